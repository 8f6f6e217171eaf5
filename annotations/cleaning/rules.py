"""The cleaner's rules, one function each: arrays or one sample in, what it finds wrong out.

Keypoints are `(N, K, 3)` float32 pixels of the upright picture. Nothing is counted or kept here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from pose_activity.annotations.images import DamagedError, ImageError
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Sample

_SMALLEST_SIDE = 1.0
_ROUNDING = 0.05  # pixels

Reason = tuple[str, str]  # why an image is dropped: the rule, and a sentence for a person


def drop_negative(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Makes joints with x < 0 or y < 0 missing.

    Returns:
        The new keypoints, and `(N,)` int: how many joints each person lost.
    """
    return _without(keypoints, np.any(keypoints[..., :2] < 0, axis=-1))


def drop_outside(keypoints: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Makes joints with x >= width or y >= height missing; returns as `drop_negative`."""
    return _without(keypoints, np.any(keypoints[..., :2] >= np.array(size), axis=-1))


def boxes_from_joints(
    keypoints: np.ndarray,
    skeleton: Skeleton,
    *,
    padding: float,
    size: tuple[int, int] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Puts a box around each person's joints.

    The upper edge is raised where the head top is missing, the lower edge lowered where both
    ankles are; a joint that the skeleton does not have counts as missing. A side shorter than a
    pixel (one joint, or a straight line of them) is widened to one.

    Args:
        keypoints: `(N, K, 3)` float32.
        skeleton: Names the K joints.
        padding: By what fraction of the height of the joints' box an edge moves.
        size: (width, height) that boxes are clipped to; None clips nothing.

    Returns:
        Boxes `(N, 4)` float32, all zero for a person without joints; `(N,)` bool: upper edge
        raised; `(N,)` bool: lower edge lowered.
    """
    seen = keypoints[..., 2] > 0
    alive = np.any(seen, axis=1)
    low = np.where(seen[..., None], keypoints[..., :2], np.inf).min(1, initial=np.inf)
    high = np.where(seen[..., None], keypoints[..., :2], -np.inf).max(1, initial=-np.inf)
    low[~alive] = high[~alive] = 0
    no_head = alive & ~_sees_any(seen, skeleton, "head_top")
    no_ankle = alive & ~_sees_any(seen, skeleton, "left_ankle", "right_ankle")
    margin = padding * (high[:, 1] - low[:, 1])
    low[:, 1] -= margin * no_head
    high[:, 1] += margin * no_ankle
    grow = np.maximum(0, _SMALLEST_SIDE - (high - low)) / 2 * alive[:, None]
    low, high = low - grow, high + grow
    if size is not None:
        low, high = np.clip(low, 0, size), np.clip(high, 0, size)
    return np.concatenate([low, high], axis=1).astype(np.float32), no_head, no_ankle


def clip_boxes(boxes: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Cuts boxes at the picture's edges; one that is outside altogether becomes all zero.

    Returns:
        The new boxes, and `(N,)` bool: which were changed by more than a file's rounding.
    """
    clipped = boxes.reshape(-1, 2, 2).clip(0, size).reshape(-1, 4).astype(np.float32)
    clipped[(clipped[:, 2:] <= clipped[:, :2]).any(axis=1)] = 0
    return clipped, np.asarray((np.abs(clipped - boxes) > _ROUNDING).any(axis=1))


def find_repeated(sample: Sample) -> np.ndarray:
    """Returns `(N,)` bool: whose box, joints and activity are all those of an earlier person.

    Such a person is one label that is listed twice in its file. People without a box and joints are
    not compared.
    """
    seen, repeated = set(), np.zeros(len(sample.boxes), bool)
    for person in range(len(sample.boxes)):
        box, joints = sample.boxes[person], sample.keypoints[person]
        activity = sample.activities and sample.activities[person]
        key = ((box + 0).tobytes(), (joints + 0).tobytes(), activity)  # -0.0 becomes 0.0
        repeated[person] = key in seen and bool(box.any() or joints.any())
        seen.add(key)
    return repeated


def why_drop(
    sample: Sample, *, need_keypoints: bool, need_activity: Literal["picture", "person", "none"]
) -> Reason | None:
    """Returns the reason if the labels alone show that an image is useless, else None."""
    if need_keypoints and not len(sample.boxes):
        return "no_annotations", "no person in it has annotated joints"
    if need_activity == "none" or (sample.activity or "").strip():
        return None
    if not any((activity or "").strip() for activity in sample.activities or ()):
        return "empty_activity", "it has no activity"
    if need_activity == "picture":
        return "empty_activity", "its people do different things, and it has no activity of its own"
    return None


def check_file(
    sample: Sample, read_size: Callable[[Path], tuple[int, int]]
) -> tuple[tuple[int, int] | None, Reason | None]:
    """Returns an image's (width, height) or None, and why it is dropped, or None."""
    path = sample.image
    if not path.exists():
        return None, ("missing_file", "there is no such file")
    try:
        size = read_size(path)
    except DamagedError as error:
        return None, ("damaged", str(error))
    except ImageError as error:
        return None, ("unreadable", str(error))
    return size, _compare_sizes(sample, size)


def _compare_sizes(sample: Sample, size: tuple[int, int]) -> Reason | None:
    """Returns why an image is dropped whose labels are in the pixels of another one, else None."""
    if sample.size in (None, size) or not len(sample.boxes):
        return None
    (w, h), (width, height) = sample.size, size
    return (
        "other_size",
        f"its labels are for {w}x{h} pixels, but the upright picture has {width}x{height}",
    )


def _without(keypoints: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    bad = bad & (keypoints[..., 2] > 0)
    return np.where(bad[..., None], np.float32(0), keypoints), bad.sum(1)


def _sees_any(seen: np.ndarray, skeleton: Skeleton, *joints: str) -> np.ndarray:
    index = [skeleton.index(joint) for joint in joints if joint in skeleton.joints]
    return np.any(seen[:, index], axis=1)
