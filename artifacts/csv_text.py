"""CSV out and in, with cells that no spreadsheet takes for a formula.

A file may be called `=HYPERLINK("http://...")`, and a table of answers is opened in a spreadsheet,
which would run it. Text that begins like a formula gets a `'` before it, as OWASP advises;
numbers stay as they are. Reading takes the `'` away again, so that every text comes back.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(rf"{_NUMBER}(?: {_NUMBER})*", re.ASCII)  # a box is four of them


class Writer:
    """Writes rows to an open file, as `csv.writer` does, with formulas made harmless."""

    def __init__(self, file: TextIO) -> None:
        # Its line ends are RFC 4180's; with "\n" it would leave a "\r" inside a cell unquoted.
        self._writer = csv.writer(file)

    def writerow(self, cells: Iterable[Any]) -> None:
        """Writes one row; None is an empty cell."""
        self._writer.writerow([guarded(cell) for cell in cells])

    def writerows(self, rows: Iterable[Iterable[Any]]) -> None:
        """Writes rows."""
        for row in rows:
            self.writerow(row)


def as_text(rows: Iterable[Iterable[Any]]) -> str:
    """Returns rows as the text of a file."""
    text = io.StringIO(newline="")
    Writer(text).writerows(rows)
    return text.getvalue()


def joined(paths: Sequence[Path]) -> bytes:
    """Returns files of `Writer` with the same one-line header, at least one, as one file."""
    contents = [path.read_bytes() for path in paths]
    header = contents[0].splitlines(keepends=True)[0]
    return header + b"".join(content.removeprefix(header) for content in contents)


def read(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yields the rows that `Writer` wrote, every text as it was.

    Raises:
        csv.Error: a row is not CSV.
    """
    for cells in csv.reader(lines, strict=True):
        yield [restored(cell) for cell in cells]


def guarded(cell: Any) -> Any:
    """Returns a cell that a spreadsheet shows as it is; anything but text is returned unchanged.

    Text that already looks guarded gets one more `'`, so that `restored` is exact.
    """
    text = None if cell is None or isinstance(cell, int | float) else str(cell)
    if text is None or not _FORMULA.match(text) or _NUMBERS.fullmatch(text):
        return cell
    return f"'{text}"


def restored(cell: str) -> str:
    """Returns the text from which `guarded` made a cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
