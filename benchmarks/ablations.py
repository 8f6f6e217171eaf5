"""What each choice of the recipe for photos is worth, on the features of a frozen backbone.

    python benchmarks/ablations.py PHOTOS [--weights yolov8n-pose.pt] [--only two_views]

PHOTOS as for `accuracy.py`. A row is a recipe of `cache.planes` and a choice among the numbers of
its vectors; a linear head is fitted on four fifths of the photos and answers the rest, in turns, as
`stage2.linear` does (its strength is chosen on these answers, in every row alike). Of each row:
`accuracy` over all photos, `halves` (accuracy where only the first or the last half of the classes
is there, by name), and the paired difference from the row `default` with its 95 % interval. A
default has to win on the mean of the halves. Vectors are kept in --work: the command continues
where it was stopped.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.accuracy import train  # noqa: E402
from benchmarks.sequences import merge, read  # noqa: E402
from pose_activity.annotations.images import load_rgb  # noqa: E402
from pose_activity.annotations.sample_files import read_samples  # noqa: E402
from pose_activity.annotations.types import Poses, Sample  # noqa: E402
from pose_activity.artifacts import atomic  # noqa: E402
from pose_activity.artifacts.manifest import sha256_json  # noqa: E402
from pose_activity.artifacts.ordered import in_order  # noqa: E402
from pose_activity.cache.options import PersonView, Plane, PlaneOptions, Style  # noqa: E402
from pose_activity.cache.people import POLICIES  # noqa: E402
from pose_activity.cache.planes import PERSON, PoseModelId, Recipe, make_arrays  # noqa: E402
from pose_activity.runtime import graph  # noqa: E402
from pose_activity.runtime.progress import progress_bar  # noqa: E402
from pose_activity.stage1_pose import predict  # noqa: E402
from pose_activity.stage2_classifier import export_backbone  # noqa: E402
from pose_activity.stage2_classifier.frozen import features  # noqa: E402
from pose_activity.stage2_classifier.frozen.backbone import find as find_backbone  # noqa: E402
from pose_activity.stage2_classifier.frozen.fit import fit  # noqa: E402
from pose_activity.stage2_classifier.frozen.layout import POOLINGS, Layout  # noqa: E402
from pose_activity.stage2_classifier.models.images import registry  # noqa: E402
from pose_activity.stage2_classifier.scores.resampling import paired_difference  # noqa: E402

DEFAULT = "default"
MODEL = "efficientnet_lite0"
RGB: tuple[Plane, ...] = ("rgb",)
BOTH: tuple[Plane, ...] = ("rgb", "heatmap")
_BLOB = Style(style="gaussian")


@dataclass(frozen=True)
class Row:
    """A recipe, and which of its numbers are used.

    Attributes:
        options: What the tensors show.
        pooling: Of `frozen.layout.POOLINGS`.
        views: Whose numbers; all where empty.
        mirror: Whether mirror images are learned from as well.
        joints: Whether the joints of the person, relative to the body, are added as numbers.
    """

    options: PlaneOptions
    pooling: tuple[str, ...] = POOLINGS
    views: tuple[str, ...] = ()
    mirror: bool = True
    joints: bool = False


_PICTURE = PlaneOptions(planes=RGB)
_TWO = replace(_PICTURE, person_view=PersonView())


def _person(**changes: Any) -> PlaneOptions:
    return replace(_PICTURE, person_view=PersonView(**changes))


ROWS: Mapping[str, Row] = {
    DEFAULT: Row(_TWO),
    "picture": Row(_PICTURE),
    "picture_320x240": Row(replace(_PICTURE, width=320, height=240)),
    "picture_letterbox": Row(replace(_PICTURE, resize="letterbox")),
    "person": Row(_TWO, views=(PERSON,)),
    "mean": Row(_TWO, pooling=("mean",)),
    "max": Row(_TWO, pooling=("max",)),
    "no_mirror": Row(_TWO, mirror=False),
    "joints": Row(_TWO, joints=True),
    "person_224": Row(_person(size=224)),
    "person_384": Row(_person(size=384)),
    "person_margin_0": Row(_person(margin=0.0)),
    "person_margin_30": Row(_person(margin=0.3)),
    "person_largest": Row(_person(people="largest")),
    "person_top_score": Row(_person(people="top_score")),
    "person_heatmap": Row(_person(planes=BOTH)),
    "person_gaussian": Row(_person(planes=BOTH, heatmap=_BLOB)),
    "picture_heatmap": Row(replace(_TWO, planes=BOTH, people="all")),
    "picture_alone_heatmap": Row(replace(_PICTURE, planes=BOTH, people="all")),
    "picture_alone_gaussian": Row(replace(_PICTURE, planes=BOTH, people="all", heatmap=_BLOB)),
    "picture_alone_heatmap_of_two": Row(replace(_PICTURE, planes=BOTH)),
    "picture_alone_heatmap_of_one": Row(replace(_PICTURE, planes=BOTH, people="most_prominent")),
    "picture_alone_heatmap_all_joints": Row(
        replace(_PICTURE, planes=BOTH, people="all", heatmap=Style(min_confidence=0.0))
    ),
    "heatmap_alone": Row(PlaneOptions(planes=("heatmap",), people="all")),
}


@dataclass(frozen=True, eq=False)
class Photos:
    """Labelled photos with their poses."""

    samples: list[Sample]
    poses: list[Poses]
    ids: np.ndarray
    groups: list[str]


def main(
    photos: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    weights: Annotated[str, typer.Option(help="Stage 1's.")] = "yolov8n-pose.pt",
    only: Annotated[list[str] | None, typer.Option(help=f"Some of: {', '.join(ROWS)}.")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    work: Annotated[Path, typer.Option(help="Where vectors are kept.")] = Path("runs/ablations"),
    out: Annotated[Path, typer.Option()] = HERE / "results" / "ablations.json",
) -> None:
    """Measures, writes the figures beside those that are there, and prints a table."""
    unknown = sorted({*(only or ())} - {*ROWS})
    if unknown:
        raise typer.BadParameter(f"--only takes some of {[*ROWS]}. Received: {unknown}")
    read(out)  # a file that cannot be added to is refused now, not after the work
    there = _photos(photos, weights, work, threads)
    weights_file = registry.find_weights(MODEL, "imagenet") or Path()
    backbone = find_backbone(MODEL, weights_file, export=export_backbone.export)
    names = list(dict.fromkeys((DEFAULT, *(only or ROWS))))
    right: dict[str, dict[str, np.ndarray]] = {}
    for name in names:
        right[name] = _answer(ROWS[name], there, backbone, work, threads)
        merge(out, {name: _figures(name, right)})
    Console().print(_as_table({name: read(out)[name] for name in names}))


def _photos(photos: Path, weights: str, work: Path, threads: int) -> Photos:
    """Reads the labels, and finds the people, by the steps of a run."""
    run = work / "run"
    data = (f"data.images={photos}", f"stage1.weights={weights}", f"threads={threads}")
    for step in ("annotations", "stage1"):
        train(step, "folder", run, data)
    samples = sorted(read_samples(run / "annotations" / "samples.jsonl"), key=lambda s: s.image)
    pose = predict.load(run / "stage1", threads=1)

    def find(sample: Sample) -> Poses:
        return pose([load_rgb(sample.image)], [sample.image])[0]

    with progress_bar("finding people", Console()) as show:
        found = []
        for poses in in_order(find, samples, workers=threads):
            found.append(poses)
            show(len(found), len(samples), poses.image.name)
    _, ids = np.unique([str(sample.activity) for sample in samples], return_inverse=True)
    groups = [sample.group or str(sample.image) for sample in samples]
    return Photos(samples, found, ids, groups)


def _answer(
    row: Row, there: Photos, backbone: Path, work: Path, threads: int
) -> dict[str, np.ndarray]:
    """Returns which photos were answered right: of all classes, and of each half of them."""
    recipe = Recipe(**vars(row.options), pose=PoseModelId(skeleton="coco17"))
    vectors = _vectors(recipe, there, backbone, work, threads)
    kept = _columns(row, recipe, vectors.shape[-1])
    used = vectors[: 1 + row.mirror, :, kept]
    if row.joints:
        numbers = [
            [_joints(poses, mirrored) for poses in there.poses] for mirrored in (False, True)
        ]
        used = np.concatenate([used, np.array(numbers, np.float32)[: len(used)]], axis=2)
    half = np.arange(there.ids.max() + 1) < (there.ids.max() + 1) // 2
    chosen = {"all": np.ones_like(half), "first": half, "last": ~half}
    return {name: _right(used, there, part) for name, part in chosen.items()}


def _right(vectors: np.ndarray, there: Photos, classes: np.ndarray) -> np.ndarray:
    """Returns, for the photos of some classes alone, which of them held-out heads got right."""
    which = np.flatnonzero(classes[there.ids])
    _, ids = np.unique(there.ids[which], return_inverse=True)
    fitted = fit(
        vectors[0][which],
        ids,
        classes=int(classes.sum()),
        mirrored=vectors[1][which] if len(vectors) > 1 else None,
        groups=[there.groups[i] for i in which],
    )
    return (fitted.held_out.argmax(1) == ids).astype(float)


def _vectors(recipe: Recipe, there: Photos, backbone: Path, work: Path, threads: int) -> np.ndarray:
    """Returns `(2, N, D)` float32, the second for mirror images; keeps them in a file."""
    asked = [recipe.as_json(), [sample.image.name for sample in there.samples]]
    path = work / f"vectors_{sha256_json(asked)[:16]}.npy"
    if path.is_file():
        return np.load(path, allow_pickle=False)
    layout = Layout.of(recipe)
    run = graph.load(backbone, engine="onnxruntime", threads=threads, streams=threads)

    def work_on(number: int) -> np.ndarray:
        poses = there.poses[number] if recipe.needs_poses else None
        arrays = make_arrays(load_rgb(there.samples[number].image), poses, recipe)
        both = (arrays, features.mirror(arrays))
        return np.stack([features.vector(one, run, layout) for one in both])

    found = []
    with progress_bar("vectors", Console()) as show:
        for pair in in_order(work_on, range(len(there.samples)), workers=threads):
            found.append(pair)
            show(len(found), len(there.samples), there.samples[len(found) - 1].image.name)
    vectors = np.stack(found, axis=1)
    with atomic.replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)
    return vectors


def _columns(row: Row, recipe: Recipe, size: int) -> np.ndarray:
    """Returns which numbers of a vector a row uses."""
    layout = Layout.of(recipe)
    kept = layout.columns(row.pooling, size)
    if not row.views:
        return kept
    each = (size - layout.found) // len(layout.looks)
    owners = np.repeat([look.view for look in layout.looks], each)
    return kept[[i < len(owners) and owners[i] in row.views for i in kept]]


def _joints(poses: Poses, mirrored: bool) -> np.ndarray:
    """Returns `(3 K,)`: joints relative to the box of the most prominent person, and their v."""
    chosen = POLICIES["most_prominent"](poses)
    if not len(chosen):
        return np.zeros(3 * len(poses.skeleton), np.float32)
    box, joints = poses.boxes[chosen[0]], poses.keypoints[chosen[0]].copy()
    there = joints[:, 2] > 0
    joints[there, :2] -= (box[:2] + box[2:]) / 2
    joints[:, :2] /= max(1.0, float((box[2:] - box[:2]).max()))
    if mirrored:
        joints = joints[list(poses.skeleton.flip_index)] * (-1, 1, 1)
    return joints.ravel().astype(np.float32)


def _figures(name: str, right: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    found, default = right[name], right[DEFAULT]
    figures: dict[str, Any] = {
        "accuracy": float(found["all"].mean()),
        "halves": [float(found[half].mean()) for half in ("first", "last")],
        "command": f"python benchmarks/ablations.py PHOTOS --only {name}",
    }
    if name == DEFAULT:
        return figures
    for part, key in (("all", "over_default"), ("first", "first"), ("last", "last")):
        clusters = np.arange(len(found[part]))
        value, interval = paired_difference(found[part], default[part], clusters=clusters)
        figures[key] = {"difference": value, "interval": interval}
    return figures


def _as_table(results: dict[str, dict[str, Any]]) -> Table:
    table = Table("row", "accuracy", "halves", "over default")
    for name, found in results.items():
        over = found.get("over_default")
        low, high = over["interval"] if over else (0, 0)
        table.add_row(
            name,
            f"{found['accuracy']:.4f}",
            " / ".join(f"{half:.4f}" for half in found["halves"]),
            f"{over['difference']:+.4f} [{low:+.4f}, {high:+.4f}]" if over else "",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
