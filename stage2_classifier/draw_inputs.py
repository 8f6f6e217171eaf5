"""A classified picture with the people that the classifier got to see, and its second view."""

import numpy as np

from pose_activity.annotations.drawing import draw_poses
from pose_activity.annotations.types import Poses
from pose_activity.cache.framing import crop_square, window
from pose_activity.cache.options import PersonView
from pose_activity.cache.people import POLICIES
from pose_activity.cache.planes import Recipe, people_seen


def draw_seen(
    image: np.ndarray, poses: Poses | None, recipe: Recipe, person: int = -1
) -> np.ndarray:
    """Draws what stage 1 found of the people whom the classifier got to see.

    The view beside the picture has a pose only where the classifier sees one there.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        poses: Who was found in it; None where the recipe needs no poses.
        recipe: Whose policy chooses the people.
        person: Index into `poses` of the one person who was classified; -1 for the whole picture.

    Returns:
        `(h, w, 3)` uint8: the whole picture, beside it the person's view where the recipe has one
        and somebody was found; or the part around the one person.
    """
    if poses is None:
        return image.copy()
    chosen = [person] if person >= 0 else people_seen(poses, recipe)
    boxes = poses.boxes[chosen]
    drawn = draw_poses(
        image,
        poses.skeleton,
        poses.keypoints[chosen],
        boxes,
        threshold=recipe.heatmap.min_confidence,
    )
    if person < 0:
        view = recipe.person_view
        return np.hstack([drawn, *_person_view(image, poses, view)]) if view else drawn
    x1, y1, x2, y2 = window(boxes[0], poses.size, recipe.margin)
    return drawn[y1:y2, x1:x2]


def _person_view(image: np.ndarray, poses: Poses, view: PersonView) -> list[np.ndarray]:
    """Returns a gap and the square that is shown, as high as the picture; nothing of nobody."""
    height = len(image)
    chosen = POLICIES[view.people](poses)
    if "heatmap" in view.planes:
        threshold = view.heatmap.min_confidence
        image = draw_poses(image, poses.skeleton, poses.keypoints[chosen], threshold=threshold)
    squares = (
        crop_square(image, box, margin=view.margin, size=height)[0] for box in poses.boxes[chosen]
    )
    gap = np.full((height, max(2, height // 60), 3), 255, np.uint8)
    return [part for square in squares for part in (gap, square)]
