"""What benchmarks/survival.py kills: a miniature run of each kind, and the commands of its steps.

`prepare` writes a case's data and configuration into a folder; nothing is read from elsewhere. The
networks are small, the steps are the product's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from pose_activity.annotations.skeleton import COCO17

SMALL_NETWORK = "tests/stage2_classifier/children"  # has the module `tiny_model`
QUICK = {
    "draw": {"images": 48, "width": 96, "height": 96},
    "split": {"train": 0.6, "val": 0.2, "test": 0.2},
    "stage1": {"train": False},
    "cache": {
        **{"poses": "labels", "planes": ["rgb"], "width": 64, "height": 64},
        "person_view": {"planes": ["rgb", "heatmap"], "size": 64},
    },
    "stage2": {"model": "efficientnet_lite0", "weights": "imagenet", "linear": {}},
}
SMALL_POSE = """# A YOLO pose network that learns nothing in a moment.
nc: 1
kpt_shape: [17, 3]
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [[2, 3, 4], 1, Pose, [nc, kpt_shape]]
"""
POSE_FIT = {
    **{"epochs": [3], "image_size": 32, "batch": 8, "freeze": 0, "optimizer": "AdamW"},
    **{"workers": 0, "plots": False, "device": "cpu"},
}
PICTURES = {
    **{"draw": QUICK["draw"], "split": QUICK["split"]},
    "stage1": {
        **{"export_size": 64, "fit": POSE_FIT},
        "split": {"train": 12, "val": 6, "test": 0},
    },
    "cache": {"width": 64, "height": 48},
    "stage2": {"epochs": 2, "weights": "none"},
}
CLIPS = {
    "clips": {"format": "poses", "label_pattern": "(?P<label>anna|ben|cora)_", "fps": 25},
    "split": {"train": 0.5, "val": 0.25, "test": 0.25},
    "sequence": {"skeleton": "coco17", "frames": 12, "windows": "sliding", "stride": 6},
    "stage2": {"model": "lstm", "options": {"units": 4}, "epochs": 3, "batch": 8},
}
PARTS = {
    "draw": {"images": 24, "width": 96, "height": 96},
    "parts": {},
    "split": {"train": 12, "val": 6, "test": 6},
    "cache": {"scheme": "parts9", "width": 64, "height": 64},
    "stage2": {"model": "unet", "weights": "none", "epochs": 2, "batch": 4},
    "report": {"layers": 0},
}


@dataclass(frozen=True)
class Step:
    """A command to kill.

    Attributes:
        name: Of a step of train.py, or "package" or "infer".
        room: What it may import: "light", "torch" or "keras".
    """

    name: str
    room: str = "light"

    def arguments(self, folder: Path) -> list[str]:
        """Returns the program's name and its arguments for a case in `folder`."""
        run = str(folder / "run")
        if self.name == "package":
            return ["train", "package", "--run", run, "--out", str(folder / "run" / "model")]
        if self.name == "infer":
            out = ["--out", str(folder / "run" / "rows.csv"), "--resume"]
            poses = folder / "data" / "walkers.npz"
            asked = poses if poses.exists() else folder / "data" / "images"
            return ["infer", str(asked), "--run", run, "--engine", "onnxruntime", *out]
        return ["train", self.name, "--config", str(folder / "config.yaml")]


@dataclass(frozen=True)
class Case:
    """A miniature run.

    Attributes:
        steps: In order.
        prepare: Writes data and configuration into a folder.
        draws: Whether the data are drawn by the first step.
    """

    steps: Sequence[Step]
    prepare: Callable[[Path], None]
    draws: bool = True


def pictures(section: dict, folder: Path) -> None:
    """Prepares a run on pictures, which train.py draws."""
    data = str(folder / "data")
    read = {"format": "mpii", "annotations": f"{data}/release.mat", "images": f"{data}/images"}
    own = {"draw": section["draw"] | {"folder": data}, "data": read}
    if section["stage1"].get("fit"):
        network = folder / "small-pose.yaml"
        own["stage1"] = section["stage1"] | {"weights": str(network)}
        network.parent.mkdir(parents=True, exist_ok=True)
        network.write_text(SMALL_POSE, encoding="utf-8")
    _write(folder, section | own)


def clips(folder: Path) -> None:
    """Prepares a run on clips of people whose feet swing, by their poses."""
    rng, walkers = np.random.default_rng(0), {}
    for person, swing in (("anna", 5), ("ben", 20), ("cora", 40)):
        for number in range(8):
            joints = np.ones((18 + number, len(COCO17), 3), np.float32)
            joints[..., :2] = rng.uniform(20, 200, (len(COCO17), 2))
            steps = np.sin(np.arange(len(joints)) / 3 + rng.uniform(0, 6))
            joints[:, COCO17.index("left_ankle"), 0] += swing * steps
            walkers[f"{person}_{number}"] = joints
    (folder / "data").mkdir(parents=True)
    np.savez(folder / "data" / "walkers.npz", allow_pickle=False, **walkers)
    path = {"path": str(folder / "data" / "walkers.npz")}
    _write(folder, CLIPS | {"clips": CLIPS["clips"] | path})


def parts(folder: Path) -> None:
    """Prepares a run on body parts, which train.py draws."""
    data = {"folder": str(folder / "data")}
    images = {"images": str(folder / "data")}
    _write(folder, PARTS | {"draw": PARTS["draw"] | data, "parts": PARTS["parts"] | images})


def _write(folder: Path, config: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({"run_dir": str(folder / "run"), "threads": 1} | config)
    (folder / "config.yaml").write_text(text, encoding="utf-8")


_FIRST = (Step("annotations"), Step("cache"))
_LAST = (Step("report"), Step("package"), Step("infer"))
CASES = {
    "quick": Case((*_FIRST, Step("stage2"), Step("report")), partial(pictures, QUICK)),
    "pictures": Case(
        (_FIRST[0], Step("stage1", "torch"), _FIRST[1], Step("stage2", "keras"), *_LAST),
        partial(pictures, PICTURES),
    ),
    "clips": Case((*_FIRST, Step("stage2", "keras"), *_LAST), clips, draws=False),
    "parts": Case((*_FIRST, Step("stage2", "keras"), *_LAST), parts),
}
