"""Tables as Markdown text."""

from collections.abc import Iterable, Sequence
from typing import Any


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Returns a table with one line per row; any cell stays one cell.

    Args:
        heads: Of the columns; may be empty texts.
        rows: A value for each column, written as `str` writes it.
    """
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)
