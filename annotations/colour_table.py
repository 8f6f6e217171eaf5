"""Coloured masks into class numbers: a table of colours, read from a file or taken from a scheme.

A table's file is a CSV with the columns name, red, green, blue: a name of a class (or "ignore") and
its colour. A class may have several colours, a colour one class.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_activity.annotations.parts import IGNORE, UNKNOWN, Colour, PartScheme

_COLUMNS = ("name", "red", "green", "blue")
_IGNORED = "ignore"
# Short names that published tables use.
_WORDS = {"bg": "background", "r": "right", "l": "left", "up": "upper", "low": "lower"}


@dataclass(frozen=True, eq=False)
class ColourTable:
    """Which colour means which class.

    Attributes:
        colours: `(T, 3)` uint8 RGB, none twice.
        numbers: `(T,)` uint8: class numbers, or `IGNORE`.
    """

    colours: np.ndarray
    numbers: np.ndarray

    def decode(self, image: np.ndarray, *, tolerance: int = 0) -> np.ndarray:
        """Turns colours into class numbers.

        Args:
            image: `(H, W, 3)` uint8 RGB.
            tolerance: A colour that differs from one of the table by at most so much in each
                channel counts as the nearest such one.

        Returns:
            `(H, W)` uint8; `UNKNOWN` where the colour is not in the table.
        """
        codes = image.astype(np.int32) @ np.array([65536, 256, 1], np.int32)
        there, where = np.unique(codes, return_inverse=True)
        seen = np.stack([there >> 16, there >> 8 & 255, there & 255], axis=1)
        off = np.abs(seen[:, None] - self.colours.astype(np.int32)).max(axis=2)
        numbers = np.where(off.min(1) <= tolerance, self.numbers[off.argmin(1)], UNKNOWN)
        return numbers.astype(np.uint8)[where].reshape(codes.shape)


def make_table(where: Path | str, colours: Mapping[Colour, int]) -> ColourTable:
    """Returns a table of some colours; `where` begins the message of an error."""
    if not colours:
        raise ValueError(f"{where}: a colour table must have at least one colour. It has none.")
    return ColourTable(np.array([*colours], np.uint8), np.array([*colours.values()], np.uint8))


def table_of(scheme: PartScheme) -> ColourTable:
    """Returns the table of a scheme's own colours."""
    return make_table(scheme.name, {c: number for number, c in enumerate(scheme.colours)})


def read_colour_table(path: Path, scheme: PartScheme) -> ColourTable:
    """Reads a table's file.

    Args:
        path: A CSV file; see the module's header.
        scheme: Names the classes. Short forms are understood: `bg`, `r_up_arm`, `l_low_leg`.

    Raises:
        ValueError: the file is missing, is no such table, has a colour twice, or a name that is no
            class.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read as a colour table ({error}).") from None
    colours: dict[Colour, int] = {}
    names: dict[Colour, str] = {}
    for line, row in enumerate(csv.reader(text.splitlines()), 1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (line == 1 and tuple(cells) == _COLUMNS):
            continue
        name, colour = _parse(path, line, cells)
        if colour in colours:
            raise ValueError(
                f"{path}, line {line}: each colour must be there once. Received: "
                f"{','.join(map(str, colour))} for {names[colour]!r} and for {name!r}"
            )
        colours[colour], names[colour] = _number(path, line, name, scheme), name
    return make_table(path, colours)


def _parse(path: Path, line: int, cells: list[str]) -> tuple[str, Colour]:
    try:
        name, red, green, blue = cells[0], *(int(cell) for cell in cells[1:])
        if not all(0 <= value <= 255 for value in (red, green, blue)):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"{path}, line {line}: must be a name and three numbers of 0 to 255, such as "
            f"head,128,64,0. Received: {','.join(cells)!r}"
        ) from None
    return name, (red, green, blue)


def _number(path: Path, line: int, name: str, scheme: PartScheme) -> int:
    if name == _IGNORED:
        return IGNORE
    words = name.lower().replace(" ", "_").split("_")
    for known in (name, "_".join(_WORDS.get(word, word) for word in words)):
        if known in scheme.names:
            return scheme.index(known)
    raise ValueError(
        f"{path}, line {line}: must name a class of {scheme.name!r} ({', '.join(scheme.names)}) or "
        f"{_IGNORED!r}. Received: {name!r}"
    )
