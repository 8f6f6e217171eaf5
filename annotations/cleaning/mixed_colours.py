"""Pixels of a mask whose colour is not in its table: what their colour and the pixels around say.

Masks that were rendered smoothly, shrunk or compressed have mixed colours at the borders of parts.
Masks are `(H, W)` uint8 class numbers with `UNKNOWN` there; nothing is counted here.
"""

import cv2
import numpy as np

from pose_activity.annotations.colour_table import ColourTable
from pose_activity.annotations.parts import UNKNOWN

_REACHES = (2, 4, 8)  # pixels: how far away the two parts of a mixed colour may be
_ROUNDING = 4.0  # of a colour, summed over its channels


def unmix(ids: np.ndarray, image: np.ndarray, table: ColourTable) -> np.ndarray:
    """Gives each colour that is a mixture of two classes' colours the class with the larger share.

    Classes close by are tried first; then one of the two may be anywhere, since of a sliver there
    may be no pure pixel. Colours that are no such mixture (three parts meet) stay unknown.

    Args:
        ids: `(H, W)` uint8: `image`, decoded by `table`.
        image: `(H, W, 3)` uint8 RGB.
        table: The colours of the classes.

    Returns:
        `(H, W)` uint8.
    """
    at = np.nonzero(ids == UNKNOWN)
    colours = image[at].astype(np.float32)
    best = np.full(len(colours), UNKNOWN, np.uint8)
    error = np.full(len(colours), _ROUNDING, np.float32)
    planes = [(ids == number).astype(np.uint8) for number in table.numbers]
    for reach in (*_REACHES, None):
        left = best == UNKNOWN
        window = np.ones((2 * (reach or _REACHES[0]) + 1,) * 2, np.uint8)
        near = [cv2.dilate(plane, window)[at] > 0 for plane in planes]
        for first in range(len(planes)):
            for second in range(first + 1):
                if reach:
                    candidates = left & near[first] & near[second]
                else:
                    candidates = left & (near[first] | near[second])
                if not candidates.any():
                    continue
                off, leads = _mixture(colours, *table.colours[[first, second]].astype(np.float32))
                wins = candidates & (off < error)
                number = np.where(leads, table.numbers[first], table.numbers[second])
                best[wins], error[wins] = number[wins], off[wins]
    found = ids.copy()
    found[at] = best
    return found


def _mixture(colours: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns how far each colour is from the nearest mixture of `a` and `b`, and if `a` leads."""
    way = b - a
    share = np.clip((colours - a) @ way / max(float(way @ way), 1.0), 0, 1)
    off = np.abs(a + share[:, None] * way - colours).sum(axis=1)
    return off, share <= 0.5


def fill_from_neighbours(ids: np.ndarray) -> np.ndarray:
    """Gives unknown pixels the class that most of their eight neighbours have, from the rim inward.

    Args:
        ids: `(H, W)` uint8 with `UNKNOWN`.

    Returns:
        The same without it, unless nothing else is there.
    """
    ids = ids.copy()
    unknown = ids == UNKNOWN
    while unknown.any() and not unknown.all():
        most, best = np.zeros(ids.shape, np.float32), ids.copy()
        for number in np.unique(ids[~unknown]):
            plane = (ids == number).astype(np.float32)
            votes = cv2.boxFilter(
                plane, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT
            )
            best[votes > most] = number
            most = np.maximum(most, votes)
        ids = np.where(unknown & (most > 0), best, ids)
        unknown = ids == UNKNOWN
    return ids
