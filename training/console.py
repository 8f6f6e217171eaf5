"""What a run says: sentences, tables, and the console that shows them.

Names and paths are shown as they are: what looks like markup in them, such as `[v1]`, is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pose_activity.artifacts.names import shown

console = Console()


def say(text: str, *, mark: str = "", style: str = "") -> None:
    """Prints a sentence on a line of its own.

    Args:
        text: The sentence.
        mark: Stands before it, in `style`.
        style: A colour by rich's name.
    """
    line = Text()
    if mark:
        line.append(shown(mark), style).append(" ")
    console.print(line.append(shown(text)), soft_wrap=True, highlight=False)


def say_rows(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints a table; the first row's keys head its columns."""
    table = Table(*map(escape, rows[0]), title=escape(title), title_justify="left")
    for row in rows:
        values = (f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values())
        table.add_row(*map(escape, map(shown, values)))
    console.print(table)


def say_notes(notes: Iterable[str]) -> None:
    """Prints sentences that a person should read, a line each."""
    for note in notes:
        say(note, mark="note:", style="yellow")
