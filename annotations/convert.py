"""Keypoints of other conventions into this project's, and of one skeleton into another.

Arithmetic on arrays `(..., K, 3)`: x, y, v. No files.
"""

from collections.abc import Callable

import numpy as np

from pose_activity.annotations.skeleton import OPENPOSE18, Skeleton


def as_keypoints(
    values: np.ndarray, where: str, on_note: Callable[[str], None] | None = None
) -> np.ndarray:
    """Makes keypoints from the numbers of a foreign file.

    Args:
        values: `(..., K, 3)` numbers: x, y in pixels and a confidence.
        where: The file or clip, for the notes.
        on_note: Called with a note on how many joints are not finite, and how many
            confidences are above 1.

    Returns:
        `(..., K, 3)` float32: a joint with a number that is not finite, or without confidence, is
        missing (all zero); a confidence above 1 is 1. `values` stays as it is.
    """
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        keypoints = np.array(values, np.float32)
    lost = ~np.isfinite(keypoints).all(axis=-1)
    keypoints[lost] = 0
    confidence = keypoints[..., 2]
    high = confidence > 1
    if on_note and lost.any():
        on_note(f"{where}: {lost.sum():,} joints hold numbers that are not finite: missing.")
    if on_note and high.any():
        most = confidence.max()
        on_note(f"{where}: {high.sum():,} confidences above 1, up to {most:.3g}, count as 1.")
    confidence[high] = 1
    keypoints[confidence <= 0] = 0
    return keypoints


def to_openpose18(keypoints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Brings poses to OpenPose's 18 joints.

    Joints of the same name are taken over as they are. A skeleton without a neck gets one in the
    middle of the shoulders, with the smaller of their two v: missing if one of them is.

    Args:
        keypoints: `(..., K, 3)` float32, see `annotations.types`.
        skeleton: Names the K joints.

    Returns:
        `(..., 18, 3)` float32; joints that `skeleton` does not have are missing.

    Raises:
        ValueError: other than K joints, or a skeleton with neither neck nor shoulders.
    """
    if keypoints.shape[-2:] != (len(skeleton), 3):
        raise ValueError(
            f"keypoints of {skeleton.name} must be (..., {len(skeleton)}, 3). "
            f"Received: {keypoints.shape}"
        )
    made = np.zeros((*keypoints.shape[:-2], len(OPENPOSE18), 3), np.float32)
    shared = [joint for joint in OPENPOSE18.joints if joint in skeleton.joints]
    made[..., [OPENPOSE18.index(j) for j in shared], :] = keypoints[
        ..., [skeleton.index(j) for j in shared], :
    ]
    if "neck" not in shared:
        made[..., OPENPOSE18.index("neck"), :] = _middle_of_shoulders(keypoints, skeleton)
    return made


def _middle_of_shoulders(keypoints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    sides = [skeleton.index(joint) for joint in ("left_shoulder", "right_shoulder")]
    shoulders = keypoints[..., sides, :]
    middle = shoulders.mean(axis=-2)
    middle[..., 2] = shoulders[..., 2].min(axis=-1)
    return np.where(middle[..., 2:] > 0, middle, 0)
