"""The step stage2 of a run with fine_tune, on a drawn cache (argv: run folder); prints JSON.

At a rate that gains nothing; then again, as if it had.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from PIL import Image

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.cache import store
from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import Recipe
from pose_activity.cache.tensor_spec import TensorSpec
from pose_activity.configs.pictures import load
from pose_activity.stage2_classifier.frozen import head
from pose_activity.training.pictures.train import make_stage2

CLASSES = ("down", "up")
SPLITS = ("train",) * 8 + ("val",) * 4
folder = Path(sys.argv[1])
rng = np.random.default_rng(0)


def spec(name: str, number: int, split: str) -> TensorSpec:
    """A picture that is brighter above, or below."""
    path = folder / f"{name}{number}.png"
    pixels = rng.integers(0, 150, (64, 64, 3), dtype=np.uint8)
    half = pixels[:32] if name == "up" else pixels[32:]
    half += 60
    Image.fromarray(pixels).save(path)
    keypoints = np.zeros((1, len(COCO17), 3), np.float32)
    box = np.array([[8, 8, 56, 56]], np.float32)
    poses = Poses(path, (64, 64), COCO17, box, np.ones(1, np.float32), keypoints)
    return TensorSpec(path, name, split, poses)


view = PersonView(("rgb",), 32)
recipe = Recipe(("rgb",), 64, 64, person_view=view)
specs = [spec(name, n, split) for name in CLASSES for n, split in enumerate(SPLITS)]
store.build(folder / "cache", specs, recipe=recipe, classes=CLASSES, inputs={})
(folder / "annotations").mkdir()
(folder / "annotations" / "samples.jsonl").touch()
config = {
    "run_dir": str(folder),
    "threads": 1,
    "data": {"format": "folder", "images": str(folder)},
    "stage1": {"train": False},
    "cache": {"planes": ["rgb"], "width": 64, "height": 64, "person_view": {"size": 32}},
    "stage2": {
        "linear": {"folds": 2},
        "batch": 8,
        "monitor": "accuracy",
        "augment": None,
        "fine_tune": {"epochs": 1, "learning_rate": 1e-12, "adapter_learning_rate": 1e-12},
    },
}
(folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
out = folder / "stage2"
out.mkdir()
run = load(folder / "config.yaml")
found = []
for better in (False, True):
    if better:  # as if the start had been worse; what is trained is not trained again
        note = out / "linear" / "fitted.json"
        fitted = json.loads(note.read_text(encoding="utf-8"))
        fitted["counts"]["val_accuracy"] = -1.0
        note.write_text(json.dumps(fitted), encoding="utf-8")
    counts = make_stage2(run, out)
    graphs = [sha256_file(place / "classifier.onnx") for place in (out, out / "linear")]
    facts: dict[str, Any] = {
        "same graph": graphs[0] == graphs[1],
        "head": (out / "head.npz").exists(),
    }
    kernel, _ = head.load(out / "linear").folded()  # of train alone; the linear graph knows val too
    arrays = map(onnx.numpy_helper.to_array, onnx.load(out / "classifier.onnx").graph.initializer)
    moved = [float(np.abs(a - kernel).max()) for a in arrays if a.shape == kernel.shape]
    facts["moved"] = min(moved, default=None)
    found.append({**counts, **facts})
print(json.dumps(found))
