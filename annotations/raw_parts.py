"""What a reader of part masks gives: a sample, and how its mask is read before it was cleaned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_activity.annotations.colour_table import ColourTable
from pose_activity.annotations.images import load_numbers, load_rgb
from pose_activity.annotations.parts import IGNORE, UNKNOWN, PartScheme
from pose_activity.annotations.types import PartSample


@dataclass(frozen=True, eq=False)
class RawMask:
    """A mask as a data set has it.

    Attributes:
        ids: `(h, w)` uint8 class numbers, `IGNORE`, or `UNKNOWN`.
        image: `(h, w, 3)` uint8 RGB: the colours that were decoded; None if it has numbers.
        table: What they were decoded by.
    """

    ids: np.ndarray
    image: np.ndarray | None = None
    table: ColourTable | None = None


@dataclass(frozen=True, eq=False)
class RawParts:
    """An image and its mask in a data set.

    Attributes:
        sample: The image, and the file with the mask as the data set has it.
        read_mask: Reads the mask; raises ValueError (an `ImageError` is one) if that is impossible.
        read_person: Reads where people are, `(h, w)` bool, from a mask of their clothes; None
            where the data set has none.
    """

    sample: PartSample
    read_mask: Callable[[], RawMask]
    read_person: Callable[[], np.ndarray] | None = None


def numbers_of(array: np.ndarray, scheme: PartScheme) -> RawMask:
    """Returns a mask of class numbers: uint8 `(h, w)`; a number that is no class is `UNKNOWN`."""
    return RawMask(np.where((array < len(scheme)) | (array == IGNORE), array, np.uint8(UNKNOWN)))


def read_numbers(path: Path, scheme: PartScheme) -> RawMask:
    """Reads a picture of class numbers; see `images.load_numbers`."""
    return numbers_of(load_numbers(path), scheme)


def read_colours(path: Path, table: ColourTable, tolerance: int = 0) -> RawMask:
    """Reads a picture of colours; see `ColourTable.decode`."""
    image = load_rgb(path)
    return RawMask(table.decode(image, tolerance=tolerance), image, table)
