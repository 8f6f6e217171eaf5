"""What the cleaner changed, as a picture: one tile per `Case`, cut to the person concerned."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations.cleaning.clean import Case
from pose_activity.annotations.drawing import (
    EMPTY,
    draw_box,
    draw_crosses,
    draw_poses,
    fit,
    gallery,
)
from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.types import Sample

_RED = (255, 60, 60)
_GREEN = (60, 230, 110)
_HEADING = "red: before - green: after - cross: a joint that became missing"
# How much a tile shows around the boxes, and how far beyond the picture's edge.
_AROUND = 1.4
_BEYOND = 0.2
_SMALLEST_WINDOW = 32.0


def cleaning_gallery(
    cases: Sequence[Case],
    *,
    columns: int = 4,
    tile_size: tuple[int, int] = (400, 300),
    load: Callable[[Path], np.ndarray] = load_rgb,
) -> np.ndarray:
    """Draws boxes before and after, and the joints that were made missing.

    Args:
        cases: From `clean`.
        columns: The most tiles per row.
        tile_size: (width, height) of a tile in pixels.
        load: Reads a picture; raises ImageError. A picture that cannot be read is an empty tile.

    Returns:
        `(H, W, 3)` uint8 RGB; one empty tile if there are no cases.
    """
    if not cases:
        blank = [np.full((1, 1, 3), EMPTY, np.uint8)]
        return gallery(blank, ["no rule touched any image"], columns=1, tile_size=tile_size)
    return gallery(
        [_draw_tile(case, tile_size, load) for case in cases],
        [f"{case.rule}: {case.before.image.name}" for case in cases],
        columns=min(columns, len(cases)),
        tile_size=tile_size,
        heading=_HEADING,
    )


def _draw_tile(
    case: Case, tile_size: tuple[int, int], load: Callable[[Path], np.ndarray]
) -> np.ndarray:
    try:
        image = load(case.before.image)
    except ImageError:
        return np.full((*tile_size[::-1], 3), EMPTY, np.uint8)
    if len(case.before.boxes) != 1:
        return fit(image, tile_size)
    window = _choose_window(case, np.array(image.shape[1::-1]), tile_size)
    tile = _cut(image, window, tile_size)
    scale = tile_size[0] / (window[2] - window[0])
    box, joints = _to_tile(case.before, window[:2], scale)
    tile = draw_box(tile, box, _RED)
    lost = case.before.keypoints[0, :, 2] > 0
    if case.after is not None:
        after_box, after = _to_tile(case.after, window[:2], scale)
        lost &= after[:, 2] == 0
        tile = draw_poses(draw_box(tile, after_box, _GREEN), case.after.skeleton, after[None])
    return draw_crosses(tile, joints[lost, :2], _RED)


def _choose_window(case: Case, size: np.ndarray, tile_size: tuple[int, int]) -> np.ndarray:
    """Returns the xyxy part of the picture, in the tile's proportions, that shows a case."""
    boxes = np.array([s.boxes[0] for s in (case.before, case.after) if s is not None], np.float64)
    low = np.clip(boxes[:, :2].min(0), -_BEYOND * size, size)
    high = np.clip(boxes[:, 2:].max(0), 0, (1 + _BEYOND) * size)
    side = np.maximum(_AROUND * (high - low), _SMALLEST_WINDOW)
    aspect = tile_size[0] / tile_size[1]
    width = max(side[0], side[1] * aspect)
    half = np.array([width, width / aspect]) / 2
    return np.concatenate([(low + high) / 2 - half, (low + high) / 2 + half])


def _cut(image: np.ndarray, window: np.ndarray, tile_size: tuple[int, int]) -> np.ndarray:
    scale = tile_size[0] / (window[2] - window[0])
    if scale < 1:  # warpAffine does not average, so shrink first.
        height, width = image.shape[:2]
        small = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        window, scale = window * scale, 1.0
    matrix = np.array([[scale, 0, -window[0] * scale], [0, scale, -window[1] * scale]])
    return cv2.warpAffine(image, matrix, tile_size, flags=cv2.INTER_LINEAR, borderValue=EMPTY)


def _to_tile(sample: Sample, origin: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the one person's box `(4,)` and joints `(K, 3)` in the tile's pixels."""
    joints = sample.keypoints[0].copy()
    joints[:, :2] = (joints[:, :2] - origin) * scale
    return (sample.boxes[0] - np.tile(origin, 2)) * scale, joints
