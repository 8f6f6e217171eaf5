"""Body parts onto a picture: colours over the pixels, dark outlines, a legend.

In come `(H, W, 3)` uint8 RGB pixels and `(H, W)` uint8 class numbers; a picture of the same size
goes out. Knows nothing of files or models.
"""

import cv2
import numpy as np

from pose_activity.annotations.drawing import draw_text, text_width
from pose_activity.annotations.parts import IGNORE, PartScheme

_OPAQUE = 0.6  # of a part's colour over the picture
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


def paint_legend(image: np.ndarray, scheme: PartScheme, present: np.ndarray) -> np.ndarray:
    """Returns the picture with the names of some classes in its lower left corner.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        scheme: Names and colours.
        present: Numbers of the classes; the background is left out.
    """
    image = image.copy()
    height, width = image.shape[:2]
    line = int(np.clip(min(height, width) / 26, 9, 28))
    names = [(number, scheme.names[number].replace("_", " ")) for number in present if number]
    names = names[: max(1, height // line - 1)]
    if not names or width < 8 * line:
        return image
    wide = min(width, 2 * line + max(text_width(name, line) for _, name in names))
    top = height - line * len(names)
    patch = image[top:, :wide]
    patch[:] = (patch * 0.35).astype(np.uint8)
    for row, (number, name) in enumerate(names):
        y = top + row * line
        square = (line // 4, y + line // 4), (line, y + line - line // 5)
        cv2.rectangle(image, *square, scheme.colours[number], cv2.FILLED)
        draw_text(image, name, (line + line // 3, y), line, wide - line - line // 3, _INK)
    return image


def _borders(mask: np.ndarray, width: int) -> np.ndarray:
    """Returns where a pixel of another class is within `width` pixels."""
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return cv2.dilate(mask, kernel) != cv2.erode(mask, kernel)
