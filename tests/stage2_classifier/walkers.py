"""Made-up walkers: each swings arms and legs at a pace, and as far, as nobody else."""

from pathlib import Path

import numpy as np

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.skeleton import OPENPOSE18
from pose_activity.cache import store
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.cache.windows import windows_of

NAMES = ("ada", "ben", "cem")
SPLITS = ("train",) * 6 + ("val",) * 3 + ("test",)
RECIPE = SequenceRecipe(frames=12, channels=("x", "y", "confidence", "valid"))


def clips() -> list[Clip]:
    """Ten clips of each walker, of 8 to 16 frames, each with a frame in which nobody is found."""
    rng = np.random.default_rng(0)
    return [
        _clip(f"{name}{number}", name, split, pace, rng)
        for pace, name in enumerate(NAMES, 1)
        for number, split in enumerate(SPLITS)
    ]


def build_cache(folder: Path) -> Path:
    """Writes a cache of all clips; returns its folder."""
    sources, _ = windows_of(clips(), RECIPE)
    store.build(folder, sources, recipe=RECIPE, classes=NAMES, inputs={})
    return folder


def _clip(name: str, label: str, split: str, pace: int, rng: np.random.Generator) -> Clip:
    frames = int(rng.integers(8, 17))
    times = np.arange(frames) / 12.5
    swing = np.sin(2 * np.pi * (pace * times[:, None] / 2 + rng.uniform() + _PHASES))
    keypoints = np.empty((frames, 18, 3), np.float32)
    keypoints[..., :2] = _STANDING + rng.normal(0, 1, (frames, 18, 2))
    keypoints[..., 0] += 12 * pace * swing * _SWINGS
    keypoints[..., 2] = rng.uniform(0.5, 1, (frames, 18))
    keypoints[frames // 2] = 0
    return Clip(
        name=name,
        source=Path("walkers.json"),
        label=label,
        split=split,
        skeleton=OPENPOSE18,
        keypoints=keypoints,
        times=times,
    )


_HEIGHTS = {"nose": 40, "eye": 35, "ear": 35, "neck": 60, "shoulder": 60, "elbow": 90}
_HEIGHTS |= {"wrist": 115, "hip": 120, "knee": 160, "ankle": 200}
_STANDING = np.array(
    [
        (100 + 15 * (joint.startswith("left") - joint.startswith("right")), _HEIGHTS[kind])
        for joint in OPENPOSE18.joints
        for kind in [joint.split("_")[-1]]
    ],
    float,
)
_SWINGS = np.array([j.endswith(("wrist", "ankle", "knee")) for j in OPENPOSE18.joints], float)
_PHASES = np.array([0.5 * j.startswith("left") for j in OPENPOSE18.joints])
