"""Body parts onto a picture: colours over the pixels, dark outlines, a legend.

In come `(H, W, 3)` uint8 RGB pixels and `(H, W)` uint8 class numbers; a picture of the same size
goes out. Knows nothing of files or models.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from pose_activity.annotations.drawing import draw_text, text_width
from pose_activity.annotations.parts import IGNORE, PartScheme

_OPAQUE = 0.6  # of a part's colour over the picture
_COVERED = 1 / 6  # of a picture, by its legend at most
_LINE = 9, 28  # least and largest height of a line of the legend, in pixels
_INK, _DARK = (255, 255, 255), (24, 26, 30)
_BACKGROUND, _UNKNOWN = (28, 30, 34), (96, 96, 96)


def colour_table(scheme: PartScheme) -> np.ndarray:
    """Returns the RGB colour of each class number, `(256, 3)` uint8; others are grey."""
    table = np.full((256, 3), _UNKNOWN, np.uint8)
    table[: len(scheme)] = scheme.colours
    table[0] = _BACKGROUND
    return table


def paint_mask(mask: np.ndarray, scheme: PartScheme) -> np.ndarray:
    """Returns a mask in colours, `(H, W, 3)` uint8; the background dark, unlabelled pixels grey."""
    return colour_table(scheme)[mask]


def paint_over(image: np.ndarray, mask: np.ndarray, scheme: PartScheme) -> np.ndarray:
    """Returns the picture with its parts in colours and a dark line round each of them."""
    body = (mask > 0) & (mask != IGNORE)
    painted = image.copy()
    colours = paint_mask(mask, scheme)[body].astype(np.float32)
    mixed = (1 - _OPAQUE) * image[body] + _OPAQUE * colours
    painted[body] = mixed.round().astype(np.uint8)
    width = max(1, min(mask.shape) // 400)
    painted[_borders(mask, width) & body] = _DARK
    return painted


def paint_legend(image: np.ndarray, mask: np.ndarray, scheme: PartScheme) -> np.ndarray:
    """Returns the picture with the names of its parts, in the corner where it hides least of them.

    The names cover a sixth of the picture at most: where it is small they are shortened, and parts
    of few pixels stay without one.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        mask: `(H, W)` uint8 class numbers; others than the scheme's have no name.
        scheme: Names and colours.
    """
    image = image.copy()
    height, width = mask.shape
    line = int(np.clip(min(height, width) / 26, *_LINE))
    counts = np.bincount(mask.ravel(), minlength=256)[: len(scheme)]
    counts[0] = 0
    seen = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].tolist()
    legend = draw_legend(scheme, sorted(seen), line)
    room = height * width * _COVERED
    while seen and _too_large(legend, image, room):
        legend = draw_legend(scheme, sorted(seen), line, short=True)
        seen = seen[:-1]
    if _too_large(legend, image, room):
        return image
    high, wide = legend.shape[:2]
    body = (mask > 0) & (mask != IGNORE)
    corners = [
        np.s_[top : top + high, left : left + wide]
        for top in (height - high, 0)
        for left in (0, width - wide)
    ]
    hidden = [int(np.count_nonzero(body[corner])) for corner in corners]
    patch = image[corners[hidden.index(min(hidden))]]
    ground = np.all(legend == _DARK, axis=2)
    patch[:] = np.where(ground[..., None], (patch * 0.35).astype(np.uint8), legend)
    return image


def draw_legend(
    scheme: PartScheme, numbers: Sequence[int], line: int, *, short: bool = False
) -> np.ndarray:
    """Returns the names of some classes with their colours, a line each, `(h, w, 3)` uint8 RGB.

    Args:
        scheme: Names and colours.
        numbers: Of the classes.
        line: Height of a line in pixels.
        short: Whether sides are "l" and "r".
    """
    names = [scheme.names[number].replace("_", " ") for number in numbers]
    if short:
        names = [name.replace("left ", "l ").replace("right ", "r ") for name in names]
    start = line + line // 3
    wide = start + line // 2 + max((text_width(name, line) for name in names), default=0)
    patch = np.full((line * len(names), wide, 3), _DARK, np.uint8)
    for row, (number, name) in enumerate(zip(numbers, names, strict=True)):
        y = row * line
        square = (line // 4, y + line // 4), (line, y + line - line // 5)
        cv2.rectangle(patch, *square, scheme.colours[number], cv2.FILLED)
        draw_text(patch, name, (start, y), line, wide - start, _INK)
    return patch


def _too_large(legend: np.ndarray, image: np.ndarray, room: float) -> bool:
    high, wide = legend.shape[:2]
    return high > image.shape[0] or wide > image.shape[1] or high * wide > room


def _borders(mask: np.ndarray, width: int) -> np.ndarray:
    """Returns where a pixel of another class is within `width` pixels."""
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return cv2.dilate(mask, kernel) != cv2.erode(mask, kernel)
