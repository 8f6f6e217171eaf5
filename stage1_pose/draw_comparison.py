"""Labelled against found poses of one picture, side by side."""

import numpy as np

from pose_activity.annotations.drawing import cut_to, draw_poses
from pose_activity.annotations.types import Poses, Sample

_GAP = 6  # pixels between the two halves
_PAPER = 255


def draw_comparison(
    image: np.ndarray, sample: Sample, poses: Poses, *, threshold: float = 0.0
) -> np.ndarray:
    """Draws a picture twice, left with the labelled people and right with the found ones.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        sample: Its labels.
        poses: What was found in it.
        threshold: Found joints with a confidence of at most this are left out.

    Returns:
        `(h, w, 3)` uint8: both halves cut to the same part, in which all these people are.
    """
    boxes = np.concatenate([sample.boxes, poses.boxes, *map(_extents, (sample, poses))])
    left = draw_poses(image, sample.skeleton, sample.keypoints)
    right = draw_poses(image, poses.skeleton, poses.keypoints, threshold=threshold)
    halves = [cut_to(half, boxes) for half in (left, right)]
    gap = np.full((len(halves[0]), _GAP, 3), _PAPER, np.uint8)
    return np.hstack([halves[0], gap, halves[1]])


def _extents(people: Sample | Poses) -> np.ndarray:
    """Returns the `(N, 4)` boxes of the joints that were found; zeros without joints."""
    there = people.keypoints[..., 2:] > 0
    xy = people.keypoints[..., :2]
    low = np.where(there, xy, np.inf).min(1, initial=np.inf)
    high = np.where(there, xy, -np.inf).max(1, initial=-np.inf)
    return np.where(there.any(1), np.hstack([low, high]), 0).astype(np.float32)
