"""The rules for part masks, one function each: a mask in, a better mask or what is wrong out.

Masks are `(H, W)` uint8 class numbers, with `IGNORE`, and before the first rule `UNKNOWN`. Nothing
is counted or kept here.
"""

from typing import Literal

import cv2
import numpy as np

from pose_activity.annotations.cleaning.mixed_colours import fill_from_neighbours, unmix
from pose_activity.annotations.part_masks import resize_ids
from pose_activity.annotations.parts import IGNORE, UNKNOWN, PartScheme
from pose_activity.annotations.raw_parts import RawMask

Unknown = Literal["neighbours", "ignore"]
MOST_UNKNOWN = 0.5  # of the pixels; with more, the table or the list of classes is another one
_STRETCH = 0.02  # of a mask's proportions beside its picture's: shrinking rounds to whole pixels
_LEAST_LEG = 20  # pixels of a thigh and of a lower leg that are compared
_THIGH = {"left_thigh", "right_thigh"}
_LOWER = {f"{side}_{part}" for side in ("left", "right") for part in ("lower_leg", "foot")}
_FEET = {"left_foot", "right_foot"}


def unknown_share(ids: np.ndarray) -> float:
    """Returns the share of pixels whose colour or number means nothing."""
    return float(np.mean(ids == UNKNOWN))


def resolve_unknown(raw: RawMask, unknown: Unknown) -> np.ndarray:
    """Decides on the pixels whose colour or number means nothing.

    Args:
        raw: With at least one pixel that is known.
        unknown: "neighbours" gives them the class that their colour is mixed of, else that of the
            pixels around; "ignore" leaves them out of training and scores.
    """
    if unknown == "ignore":
        return np.where(raw.ids == UNKNOWN, np.uint8(IGNORE), raw.ids)
    ids = raw.ids
    if raw.image is not None and raw.table is not None:
        ids = unmix(ids, raw.image, raw.table)
    return fill_from_neighbours(ids)


def fit_to_image(ids: np.ndarray, size: tuple[int, int]) -> np.ndarray | None:
    """Resizes a mask to its picture's (width, height); None if its proportions are others'."""
    height, width = ids.shape
    stretch = (width / size[0]) / (height / size[1])
    if max(stretch, 1 / stretch) - 1 > max(_STRETCH, 1 / min(height, width)):
        return None
    return resize_ids(ids, size)


def without_islands(ids: np.ndarray, smallest: float) -> np.ndarray:
    """Gives specks and pinholes the class of what is around them.

    Args:
        ids: Without `UNKNOWN`.
        smallest: Connected areas (over corners, too) of one class with a smaller share of the
            mask's pixels go. 0 changes nothing.
    """
    least = smallest * ids.size
    torn = ids.copy()
    for number in np.unique(ids) if least > 1 else ():
        if number != IGNORE:
            _, labels, facts, _ = cv2.connectedComponentsWithStats(
                (ids == number).astype(np.uint8), connectivity=8
            )
            small = facts[:, cv2.CC_STAT_AREA] < least
            small[0] = False  # all that is not of the class
            torn[small[labels]] = UNKNOWN
    return fill_from_neighbours(torn)


def legs_upside_down(ids: np.ndarray, scheme: PartScheme) -> bool | None:
    """Returns whether thighs are below lower legs; None where the mask shows too little of either.

    In most images that is a table that swaps their colours, not a person who stands on their head.
    """
    rows = []
    for limb in (_THIGH, _LOWER):
        classes = [n for n, parts in enumerate(scheme.members) if limb >= {*parts}]
        classes = [n for n in classes if not _FEET >= {*scheme.members[n]}]
        found = np.nonzero(np.isin(ids, classes))[0]
        if len(found) < _LEAST_LEG:
            return None
        rows.append(found.mean())
    return bool(rows[0] > rows[1])


def remove_background(image: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Paints black what is no person: `(H, W, 3)` uint8 by `(h, w)` bool."""
    size = image.shape[1::-1]
    shown = cv2.resize(person.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return image * shown[..., None]
