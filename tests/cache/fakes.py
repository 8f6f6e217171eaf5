"""Clips of a drawn body that walks to the right, for the tests of sequences."""

from pathlib import Path

import numpy as np

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.skeleton import OPENPOSE18, Skeleton

FPS = 25.0
# Where a standing body's joints are, in pixels from the neck; its torso is 60 pixels long.
STANDING = {
    "nose": (8, -20),
    "neck": (0, 0),
    "shoulder": (6, 0),
    "elbow": (9, 35),
    "wrist": (12, 65),
    "hip": (4, 60),
    "knee": (4, 105),
    "ankle": (4, 150),
    "eye": (4, -24),
    "ear": (6, -20),
}


def keypoints_of(frames: int, seed: int = 0, skeleton: Skeleton = OPENPOSE18) -> np.ndarray:
    """`(T, K, 3)` float32: a body that walks 3 pixels a frame, swings its limbs and trembles."""
    rng = np.random.default_rng(seed)
    keypoints = np.zeros((frames, len(skeleton), 3), np.float32)
    swing = np.sin(np.arange(frames) / 4 + seed)
    for number, joint in enumerate(skeleton.joints):
        side, _, part = joint.rpartition("_")
        x, y = STANDING[part]
        sign = {"left": 1, "right": -1, "": 0}[side]
        reach = {"wrist": 20, "elbow": 10, "knee": -12, "ankle": -25}.get(part, 0)
        keypoints[:, number, 0] = 100 + 3 * np.arange(frames) + sign * (x + reach * swing)
        keypoints[:, number, 1] = 80 + y
    keypoints[..., :2] += rng.normal(0, 1, (frames, len(skeleton), 2))
    keypoints[..., 2] = rng.uniform(0.3, 1, (frames, len(skeleton)))
    return keypoints


def clip_of(
    keypoints: np.ndarray,
    name: str = "anna/walk",
    *,
    times: np.ndarray | None = None,
    skeleton: Skeleton = OPENPOSE18,
    label: str | None = None,
    split: str | None = None,
) -> Clip:
    """A clip of keypoints, at 25 frames a second where no times are given."""
    return Clip(
        name,
        Path("a.mp4"),
        label=label,
        split=split,
        skeleton=skeleton,
        keypoints=keypoints,
        times=np.arange(len(keypoints)) / FPS if times is None else times,
    )


def walk(
    frames: int,
    seed: int = 0,
    *,
    lost: float = 0.0,
    label: str | None = None,
    split: str | None = None,
) -> Clip:
    """A clip in which a share of the joints is missing here and there."""
    keypoints = keypoints_of(frames, seed)
    keypoints[np.random.default_rng(seed).random(keypoints.shape[:2]) < lost] = 0
    return clip_of(keypoints, f"person{seed:02}/walk", label=label, split=split)
