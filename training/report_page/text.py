"""Sections as Markdown: the text in `report.md`, and a model card.

Pictures and charts are left out: a text has none.
"""

from collections.abc import Sequence
from typing import Any

from pose_activity.artifacts import markdown
from pose_activity.training.report_page.facts import (
    Block,
    Cards,
    Code,
    Column,
    Heading,
    Prose,
    Section,
    SideBySide,
    Table,
)


def write_sections(sections: Sequence[Section]) -> str:
    """Returns the sections, each under its title, with an empty line between the blocks."""
    parts = []
    for section in sections:
        parts += [f"## {section.title}\n"] if section.title else []
        parts += [text for block in section.blocks for text in _blocks(block)]
    return "\n".join(parts)


def _blocks(block: Block) -> list[str]:
    match block:
        case Prose(text):
            return [f"{text}\n"]
        case Heading(text):
            return [f"### {text}\n"]
        case Code(text=text):
            return ["".join(f"    {line}\n" for line in text.splitlines())]
        case Cards(cards):
            return [markdown.table(("figure", "value"), [(t, f"{v:.4f}") for t, v in cards])]
        case Table():
            return [_table(block)]
        case SideBySide(groups):
            return [text for group in groups for one in group for text in _blocks(one)]
    return []


def _table(table: Table) -> str:
    shown = [i for i, column in enumerate(table.columns) if column.form != "bars"]
    rows = [[_cell(table.columns[i], row[i]) for i in shown] for row in table.rows]
    return markdown.table([table.columns[i].name for i in shown], rows)


def _cell(column: Column, value: Any) -> str:
    if column.form == "share":
        return f"{100 * value:.1f} %"
    if column.form == "figure":
        return f"{value:.3f}"
    return f"{value[0]} ({value[1]})" * bool(value[1]) if column.form == "times" else str(value)
