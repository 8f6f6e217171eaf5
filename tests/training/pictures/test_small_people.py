"""The default recipe looks at small people: a twelfth of the height, and only limbs differ.

The poses are the drawn joints themselves, as with `cache.poses: labels`.
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.synthetic.backgrounds import SCENES, ZOOM, develop
from pose_activity.annotations.synthetic.body import view
from pose_activity.annotations.synthetic.render import draw_ground, draw_person, wardrobe
from pose_activity.annotations.types import Sample
from pose_activity.cache import store
from pose_activity.cache.planes import LABELS, PoseModelId, Recipe
from pose_activity.cache.record import by_name
from pose_activity.cache.tensor_spec import TensorSpec
from pose_activity.configs.pictures import PictureRun, load
from pose_activity.stage2_classifier.frozen import features, fit
from pose_activity.stage2_classifier.frozen.layout import Layout
from pose_activity.stage2_classifier.scores import input_worth
from pose_activity.training.pictures.fit_linear import find_backbone
from pose_activity.training.pictures.poses import poses_of_labels

ACTIVITIES = ("arms raised", "arms spread", "standing")
SIDE, TALL = 360, 30  # pixels: of a picture, and of a person who stands
COUNTS = {"train": 150, "test": 60}


def test_the_default_recipe_sees_what_only_the_limbs_of_a_small_person_tell(
    tmp_path: Path,
) -> None:
    run = load(
        Path(__file__).parents[3] / "configs" / "folder.yaml",
        [
            f"run_dir={tmp_path}",
            *("cache.width=96", "cache.height=96", "cache.person_view.size=96"),
        ],
    )
    cache = draw_cache(run, tmp_path)
    layout, backbone, linear = Layout.of(cache.recipe), find_backbone(run), run.classifier.linear
    assert linear is not None and cache.recipe.person_view is not None
    train, test = cache.of_split("train"), cache.of_split("test")
    wanted = [features.Wanted(entry) for entry in [*train, *test]]
    vectors = features.find(
        tmp_path / features.FILE, cache, wanted, backbone=backbone, threads=run.threads
    )
    columns = layout.columns(linear.pooling, vectors.shape[1])
    ids = np.array([cache.class_id(entry) for entry in [*train, *test]])
    head = fit.fit(
        vectors[: len(train), columns],
        ids[: len(train)],
        classes=len(ACTIVITIES),
        groups=[entry.key for entry in train],
        joints=layout.joints,
        folds=3,
    ).head
    answers = head.probabilities(vectors[len(train) :, columns]).argmax(1)
    graph = features.graph.load(backbone, engine="onnxruntime", threads=run.threads)

    def classify(batch: input_worth.Input) -> np.ndarray:
        arrays = {name: array[0] for name, array in by_name(batch).items()}
        return head.probabilities(features.vector(arrays, graph, layout)[None, columns])

    rows = input_worth.measure(
        input_worth.by_classifying(classify, lambda i: cache.load(test[i]).x, len(test)),
        answers=answers,
        labels=ids[len(train) :],
        clusters=np.arange(len(test)),
        parts=input_worth.parts_of(cache.recipe)[-1:],  # all that stage 1 finds
    )
    assert (answers == ids[len(train) :]).mean() > 0.9
    assert {row.replaced_by: row.accuracy <= 0.6 for row in rows} == {
        "nothing": True,
        "another picture's": True,
    }


def draw_cache(run: PictureRun, folder: Path) -> store.Cache[Recipe]:
    recipe = Recipe(**run.cache.arguments("tensors", "poses"))
    recipe = replace(recipe, pose=PoseModelId(LABELS, skeleton=MPII16.name))
    specs = []
    for split, count in COUNTS.items():
        for number in range(count):
            activity = ACTIVITIES[number % len(ACTIVITIES)]
            rng = np.random.default_rng([len(split), number])
            sample = draw_sample(folder / f"{split}_{number}.png", activity, rng)
            specs.append(TensorSpec(sample.image, activity, split, poses_of_labels(sample)))
    cache, undecodable = store.build(
        folder / "cache", specs, recipe=recipe, classes=ACTIVITIES, inputs={}, threads=run.threads
    )
    assert not undecodable
    return cache


def draw_sample(path: Path, activity: str, rng: np.random.Generator) -> Sample:
    """Draws one small person somewhere in a scene."""
    canvas = np.zeros((SIDE * ZOOM, SIDE * ZOOM, 3), np.uint8)
    horizon = round(SIDE * ZOOM * rng.uniform(0.4, 0.6))
    SCENES[rng.integers(len(SCENES))](canvas, horizon, rng)
    scale, pelvis = TALL * ZOOM, rng.uniform((0.1, 0.65), (0.9, 0.9)) * SIDE * ZOOM
    seen = view(activity, rng)
    points = {name: point * scale + (*pelvis, 0) for name, point in seen.items()}
    points["scale"] = np.array(scale)
    wear, owner = wardrobe(rng), np.full(canvas.shape[:2], -1, np.int16)
    draw_ground(canvas, points, activity, wear)
    draw_person(canvas, owner, 0, points, wear)
    cv2.imwrite(str(path), develop(canvas, (SIDE, SIDE), brightness=1.0, rng=rng))
    xy = np.array([points[name][:2] for name in MPII16.joints], np.float32) / ZOOM
    return Sample(
        image=path,
        size=(SIDE, SIDE),
        skeleton=MPII16,
        boxes=np.concatenate([xy.min(0) - 3, xy.max(0) + 3])[None],
        keypoints=np.column_stack([xy, np.ones(len(xy), np.float32)])[None],
        head_sizes=np.zeros(1, np.float32),
        activity=activity,
    )
