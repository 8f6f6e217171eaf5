"""What a run says: tables, notes and the console that shows them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artifacts.names import shown

console = Console()


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
        console.print(f"[yellow]note:[/] {escape(shown(note))}", soft_wrap=True, highlight=False)
