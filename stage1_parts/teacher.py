"""Labels for images that nobody labelled: bones of stage 1, where a silhouette agrees with them.

Bones say which part a pixel is of and are too thick or too thin; a silhouette says where people end
and not what it shows. Where both see somebody the pixel has the bones' part, where neither does it
is background, and all between is unknown. numpy and OpenCV only.
"""

import numpy as np

from pose_activity.annotations.parts import IGNORE
from pose_activity.annotations.types import Poses
from pose_activity.cache.bones import draw_parts

_PERSON = 0.5  # score from which a person's bones are drawn
_SURE = 0.7  # probability from which the silhouette sees somebody; below its rest it sees nobody


def teach(poses: Poses, person: np.ndarray) -> np.ndarray:
    """Labels an image.

    Args:
        poses: Who is in it, in its pixels.
        person: `(H, W)` float32: how probably a pixel is somebody's.

    Returns:
        `(H, W)` uint8 numbers of `annotations.parts.TREE`, or `IGNORE`.
    """
    sure = poses.keypoints[poses.scores >= _PERSON]
    bones = draw_parts(sure, poses.skeleton, person.shape)  # type: ignore[arg-type]
    ids = np.full(person.shape, IGNORE, np.uint8)
    ids[(bones == 0) & (person <= 1 - _SURE)] = 0
    agreed = (bones > 0) & (person >= _SURE)
    ids[agreed] = bones[agreed]
    return ids


def agreement(ids: np.ndarray, person: np.ndarray) -> float:
    """Returns how much of the silhouette has a part, in [0, 1]; 0 where there is none.

    Args:
        ids: From `teach`.
        person: What it was made from.
    """
    silhouette = person >= _SURE
    labelled = (ids > 0) & (ids != IGNORE)
    return float(labelled.sum() / silhouette.sum()) if silhouette.any() else 0.0
