"""Whose body a pixel belongs to: the person of stage 1 whose skeleton is nearest.

Distances are measured in sizes of the person, so that a large person in front does not take the
pixels of a small one. A pixel in nobody's box (widened a little) belongs to nobody.
"""

import cv2
import numpy as np

from pose_activity.annotations.types import Poses

NOBODY = -1
_LONGEST = 320  # pixels a side of the picture in which distances are measured
_MARGIN = 0.15  # a box is widened by this share of its longer side: hands reach out of it
_SEEN = 0.25  # joints of a lower confidence are nowhere


def owners(body: np.ndarray, poses: Poses) -> np.ndarray:
    """Finds the person of each pixel.

    Args:
        body: `(H, W)` bool, the pixels that are of anybody.
        poses: Who was found, in the same pixels.

    Returns:
        `(H, W)` int16: an index into `poses`; `NOBODY` outside of `body` and of all boxes.
    """
    height, width = body.shape
    scale = min(1.0, _LONGEST / max(height, width))
    small_wh = max(1, round(width * scale)), max(1, round(height * scale))
    to_small = np.array(small_wh) / np.array([width, height])
    nearest = np.full(small_wh[::-1], np.inf, np.float32)
    owner = np.full(small_wh[::-1], NOBODY, np.int16)
    for person in range(len(poses.boxes)):
        distance = _distance(poses, person, small_wh, to_small)
        closer = distance < nearest
        nearest[closer], owner[closer] = distance[closer], person
    whole = cv2.resize(owner, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.where(body, whole, np.int16(NOBODY))


def _distance(
    poses: Poses, person: int, small_wh: tuple[int, int], to_small: np.ndarray
) -> np.ndarray:
    """Returns how far each pixel is from a person's skeleton, in sizes; infinite off the box."""
    box = poses.boxes[person].reshape(2, 2) * to_small
    size = float(np.sqrt(np.prod(np.maximum(box[1] - box[0], 1))))
    away = np.full(small_wh[::-1], 255, np.uint8)
    points = np.rint(poses.keypoints[person, :, :2] * to_small).astype(int)
    seen = poses.keypoints[person, :, 2] >= _SEEN
    for a, b in poses.skeleton.bone_index:
        if seen[a] and seen[b]:
            cv2.line(away, points[a].tolist(), points[b].tolist(), 0)
    if away.all():
        cv2.circle(away, np.rint(box.mean(axis=0)).astype(int).tolist(), 0, 0, cv2.FILLED)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, 5) / size
    margin = _MARGIN * float((box[1] - box[0]).max())
    x1, y1 = np.floor(box[0] - margin).clip(0, small_wh).astype(int)
    x2, y2 = np.ceil(box[1] + margin).clip(0, small_wh).astype(int)
    inside = np.zeros(distance.shape, bool)
    inside[y1:y2, x1:x2] = True
    return np.where(inside, distance, np.inf).astype(np.float32)
