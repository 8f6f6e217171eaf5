"""A CSV file in any of its dialects: bytes in, columns and rows of texts out.

Commas, semicolons, tabs or bars are told apart by the first line, or by Excel's line `sep=;` before
it. The text is UTF-8, with or without a byte-order mark. What the columns mean is not known here.
"""

import codecs
import csv
import io
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from pose_activity.annotations.text import preview
from pose_activity.artifacts.text import read_utf8

_SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t| ]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_NO_TEXT = {  # how files begin that are something else
    b"PK\x03\x04": "an Excel workbook or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Line = tuple[str, list[str]]  # "line 7", its cells


def read_csv(path: Path, *, needed: Collection[str]) -> tuple[list[str], list[Line]]:
    """Reads a file.

    Blank lines, and columns at the end without a name and without a text, are left out. Other
    columns without a name are called "column 3". Cells that a line lacks at its end are empty,
    unless they are needed. Spaces around texts do not count.

    Args:
        path: The file.
        needed: Names of columns; that separator is chosen with which the first line holds most.

    Returns:
        Names of the columns in lower case, and the lines after the first one, each with a cell
        per column.

    Raises:
        ValueError: no text in UTF-8, quotes that do not close, lines with other numbers of cells
            than there are columns, or texts in a column without a name.
    """
    text, before = _without_separator_line(_read_text(path))
    separator = before or _find_separator(text, needed)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = _names(next(filter(_says_something, reader), []))
        lines = [
            (f"line {reader.line_num + bool(before)}", _fit(cells, columns, needed))
            for cells in reader
            if _says_something(cells)
        ]
    except csv.Error as error:
        raise ValueError(
            f"{path}: cannot be read as a table ({error}, line {reader.line_num}). Save it as CSV "
            "in UTF-8."
        ) from None
    uneven = [f"{where} ({len(cells)})" for where, cells in lines if len(cells) != len(columns)]
    if uneven:
        raise ValueError(
            f"{path}: each line must have the {len(columns)} columns of the first one. "
            f"Received: {preview(uneven)}. Put texts that hold a {separator!r} in quotes."
        )
    return columns, lines


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    what = next((what for mark, what in _NO_TEXT.items() if head.startswith(mark)), None)
    if what is None and b"\0" in head and not head.startswith(_UTF16):
        what = "text in UTF-16 without a mark, or no text at all"
    if what is not None:
        raise ValueError(
            f"{path}: must be a table as text. Received: {what}. Save it as CSV in UTF-8."
        )
    return read_utf8(path)


def _without_separator_line(text: str) -> tuple[str, str | None]:
    """Returns the text after Excel's line `sep=;`, and the separator; None without such a line."""
    match = _SEPARATOR_LINE.match(text)
    return (text[match.end() :], match[1]) if match else (text, None)


def _find_separator(text: str, needed: Collection[str]) -> str:
    def fit(separator: str) -> tuple[int, int]:
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            names = [cell.strip().lower() for cell in next(filter(_says_something, reader), [])]
        except csv.Error:
            return (0, 0)
        return (sum(name in names for name in needed), len(names))

    return max(_SEPARATORS, key=fit)


def _says_something(cells: Sequence[str]) -> bool:
    return any(cell.strip() for cell in cells)


def _names(header: Sequence[str]) -> list[str]:
    """Returns the names of the columns up to the last one that has a name."""
    names = [cell.strip().lower() for cell in header]
    while names and not names[-1]:
        names.pop()
    return [name or f"column {i}" for i, name in enumerate(names, 1)]


def _fit(cells: Sequence[str], columns: Sequence[str], needed: Collection[str]) -> list[str]:
    """Returns the cells; one per column, where only empty ones are too many or lacking."""
    texts = [cell.strip() for cell in cells]
    if not any(texts[len(columns) :]):
        texts = texts[: len(columns)]
    lacking = columns[len(texts) :]
    return texts if {*lacking} & {*needed} else texts + [""] * len(lacking)
