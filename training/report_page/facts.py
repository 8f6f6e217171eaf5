"""What a report or a model card says, as values: sections of blocks, in order.

A kind of run makes these; `page` writes them as HTML and `text` as Markdown. Neither knows the
kind, and nothing here knows how it will look. Texts are plain: `like this` is code, all else is
escaped by whoever writes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pose_activity.training.report_page.images import Tile


@dataclass(frozen=True)
class Prose:
    """A paragraph; `tone` says how much it matters."""

    kind: ClassVar = "prose"
    text: str
    tone: Literal["plain", "soft", "strong"] = "plain"


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    kind: ClassVar = "heading"
    text: str


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its head; without a name in any column there is no row of heads.
        form: What its cells are: "text"; "name" (long, may break); "count" (a number, or a text
            instead); "share" (0 to 1, in per cent); "figure" (0 to 1); "bars" (shares of the
            width, one beside the other); "times" (a name and how often, 0 for an empty cell).
        keyed: Whether the head shows the colour of the column's bar.
    """

    name: str = ""
    form: Literal["text", "name", "count", "share", "figure", "bars", "times"] = "text"
    keyed: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells, see `Column`.

    Attributes:
        label: What it is, for those who cannot see it.
        columns: From left to right.
        rows: A cell for each column.
        sortable: Whether a click on a head sorts the rows.
        summary: Folded away behind this line; empty: shown.
    """

    kind: ClassVar = "table"
    label: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    sortable: bool = False
    summary: str = ""


@dataclass(frozen=True)
class Cards:
    """Shares (0 to 1) with what they are of; the first one is the headline."""

    kind: ClassVar = "cards"
    cards: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Charts:
    """SVG elements that `charts` made: they are not escaped."""

    kind: ClassVar = "charts"
    drawn: Sequence[str]


@dataclass(frozen=True)
class Sheet:
    """A large picture behind a line that folds it away: a `data:` URI, and what it shows."""

    kind: ClassVar = "sheet"
    summary: str
    source: str
    alt: str


@dataclass(frozen=True)
class Tiles:
    """Pictures with lines below them; `shape` is how wide one is."""

    kind: ClassVar = "tiles"
    tiles: Sequence[Tile]
    shape: Literal["single", "pair", "strip"] = "single"


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: C names, and (row, column, count, share of the row) of used cells."""

    kind: ClassVar = "matrix"
    names: Sequence[str]
    cells: Sequence[tuple[int, int, int, float]]


@dataclass(frozen=True)
class Code:
    """Text as it is, folded away behind `summary` unless that is empty."""

    kind: ClassVar = "code"
    label: str
    text: str
    summary: str = ""


@dataclass(frozen=True)
class SideBySide:
    """Groups of blocks, beside each other where there is room."""

    kind: ClassVar = "side_by_side"
    groups: Sequence[Sequence["Block"]]


Block = Prose | Heading | Table | Cards | Charts | Sheet | Tiles | Matrix | Code | SideBySide


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        anchor: Its address within the page, a word.
        name: In the list of the parts.
        title: Above it; empty for the first part.
        blocks: What it says.
    """

    anchor: str
    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Facts:
    """A whole page: title, a line below it, and its sections."""

    title: str
    subtitle: str
    sections: Sequence[Section]


def pairs(label: str, rows: Sequence[tuple[str, Any]], form: Any = "text") -> Table:
    """Returns a table of names and values without heads."""
    return Table(label, (Column(), Column(form=form)), rows)
