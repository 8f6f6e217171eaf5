"""Fine-tunes the tiny model on people who are told apart by their arms alone (argv: out).

Only the heatmap shows the arms. Writes facts.json: accuracy on test, with and without it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from child_views import FEATURES, OPTIONS, fit_views

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.cache import store
from pose_activity.cache.options import PersonView, Style
from pose_activity.cache.planes import Recipe
from pose_activity.cache.record import as_float, stack
from pose_activity.cache.tensor_spec import TensorSpec
from pose_activity.stage2_classifier.options import FineTune

CLASSES = ("down", "up")
SPLITS = ("train",) * 32 + ("val",) * 8 + ("test",) * 16
SIZE = 96

out = Path(sys.argv[1])
rng = np.random.default_rng(0)


def poses(path: Path, raised: bool) -> Poses:
    """A person somewhere in the picture, a third of its height, arms up or down."""
    x, y = rng.uniform(30, 66), rng.uniform(30, 50)
    places = {"shoulder": (5, 0), "hip": (4, 14), "knee": (4, 22), "ankle": (4, 30)}
    reach = -1 if raised else 1
    places |= {"elbow": (9, 6 * reach), "wrist": (10, 13 * reach)}
    keypoints = np.zeros((1, len(COCO17), 3), np.float32)
    for part, (aside, below) in places.items():
        for side, way in (("left", 1), ("right", -1)):
            place = (x + way * aside, y + below)
            keypoints[0, COCO17.index(f"{side}_{part}")] = (*place, 1)
    keypoints[..., :2] += rng.normal(0, 0.7, (len(COCO17), 2)) * keypoints[..., 2:]
    seen = keypoints[0, keypoints[0, :, 2] > 0, :2]
    box = np.array([[*(seen.min(0) - 2), *(seen.max(0) + 2)]], np.float32)
    return Poses(path, (SIZE, SIZE), COCO17, box, np.ones(1, np.float32), keypoints)


specs = []
for name in CLASSES:
    for number, split in enumerate(SPLITS):
        path = out / f"{name}{number}.png"
        cv2.imwrite(str(path), rng.integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8))
        specs.append(TensorSpec(path, name, split, poses(path, name == "up")))
style = Style(bone_width=2, joint_radius=2)
# The square is the same for arms up and down: how tall a box is tells nothing in it.
person = PersonView(("rgb", "heatmap"), 64, margin=0.3, heatmap=style)
recipe = Recipe(("rgb", "heatmap"), SIZE, SIZE, heatmap=style, person_view=person)
cache, _ = store.build(out / "cache", specs, recipe=recipe, classes=CLASSES, inputs={})

blank = np.zeros((FEATURES, len(CLASSES))), np.zeros(len(CLASSES))
rates: dict[str, Any] = {
    "learning_rate": 0.01,
    "head_learning_rate": 0.01,
    "adapter_learning_rate": 0.01,
}
options = FineTune(epochs=6, mixup=0.0, **rates)
fit_views(cache, out / "run", head=blank, options=options, **{**OPTIONS, "augment": None})
network: Any = keras.models.load_model(out / "run" / "classifier.keras", compile=False)
entries = cache.of_split("test")
truth = np.array([cache.class_id(entry) for entry in entries])
x: Any = as_float(stack([cache.load(entry).x for entry in entries]))
dark = {n: a * [1, 1, 1, 0] if a.ndim == 4 else a for n, a in x.items()}
facts = {
    name: float((np.array(network(batch)).argmax(1) == truth).mean())
    for name, batch in (("seen", x), ("blank", dark))
}
(out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
