"""Arithmetic on masks: resizing by votes, decoding colours, turning numbers into colours.

Masks are `(H, W)` uint8 class numbers, with `IGNORE` where nothing is known. A class number is a
name, not an amount: nothing here takes the mean of two of them.
"""

import cv2
import numpy as np

from pose_activity.annotations.parts import IGNORE, PartScheme


def resize_ids(ids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes a mask: each new pixel takes the class with the largest share of its area.

    Shares of a mask that is enlarged are those between the nearest pixels.

    Args:
        ids: `(h, w)` uint8. `IGNORE` has a vote like any class.
        size: (width, height) of the new one.

    Returns:
        `(height, width)` uint8. Of equal shares the smallest number has it.
    """
    if size == ids.shape[::-1]:
        return ids.copy()
    best = np.zeros(size[::-1], np.uint8)
    most = np.full(size[::-1], -1.0, np.float32)
    for number in np.unique(ids):
        share = cv2.resize((ids == number).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        wins = share > most
        best[wins] = number
        most = np.maximum(most, share)
    return best


def colour_mask(ids: np.ndarray, scheme: PartScheme) -> np.ndarray:
    """Returns `(H, W, 3)` uint8 RGB: each class in its colour, the background and IGNORE black."""
    table = np.zeros((256, 3), np.uint8)
    table[1 : len(scheme)] = scheme.colours[1:]
    table[IGNORE] = 0
    return table[ids]
