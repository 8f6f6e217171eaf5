"""A classified picture with the people that the classifier got to see."""

import numpy as np

from pose_activity.annotations.drawing import draw_poses
from pose_activity.annotations.types import Poses
from pose_activity.cache.framing import window
from pose_activity.cache.people import POLICIES
from pose_activity.cache.planes import Recipe

_NO_JOINT = 1.0  # a threshold that no confidence is above


def draw_seen(
    image: np.ndarray, poses: Poses | None, recipe: Recipe, person: int = -1
) -> np.ndarray:
    """Draws the poses that a tensor of this recipe shows.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        poses: Who was found in it; None where the recipe needs no poses.
        recipe: Whose policy chooses the people.
        person: Index into `poses` of the one person who was classified; -1 for the whole picture.

    Returns:
        `(h, w, 3)` uint8: the whole picture, or the part around the one person.
    """
    if poses is None:
        return image.copy()
    chosen = np.array([person]) if person >= 0 else POLICIES[recipe.people](poses)
    boxes = poses.boxes[chosen]
    threshold = recipe.heatmap.min_confidence if "heatmap" in recipe.planes else _NO_JOINT
    drawn = draw_poses(image, poses.skeleton, poses.keypoints[chosen], boxes, threshold=threshold)
    if person < 0:
        return drawn
    x1, y1, x2, y2 = window(boxes[0], poses.size, recipe.margin)
    return drawn[y1:y2, x1:x2]
