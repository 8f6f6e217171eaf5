"""The trainings of several runs side by side, as a page of charts: loss, learning rate, figures.

In come histories by the runs' names; a run without one (no network was trained) is not drawn.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pose_activity.artifacts import atomic
from pose_activity.learning.history import VALIDATION, History, title_of
from pose_activity.training.report_page import charts
from pose_activity.training.report_page.facts import (
    Block,
    Charts,
    Column,
    Facts,
    Heading,
    Prose,
    Section,
    Table,
)
from pose_activity.training.report_page.html import render

_RATE = "learning rate"


def write_curves(path: Path, histories: Mapping[str, History], rows: list[dict[str, Any]]) -> None:
    """Writes the page.

    Args:
        path: Of the HTML file.
        histories: By the run's name.
        rows: The table of the runs, the same columns in each.
    """
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    cells = [[_cell(row[name]) for name in names] for row in rows]
    table = Table("Figures", [Column(name, "name") for name in names], cells, sortable=True)
    blocks: list[Block] = [table]
    drawn = draw_curves(histories)
    if drawn:
        about = "Figures of val are measured after each epoch; the others while it is trained."
        blocks += [Heading("Training"), Prose(about), Charts(drawn)]
    section = Section("comparison", "Comparison", "", blocks)
    atomic.write_text(path, render(Facts("Comparison", f"{len(rows)} runs", [section])))


def draw_curves(histories: Mapping[str, History]) -> list[str]:
    """Returns a chart for each thing that is measured in all epochs of at least one run."""
    metrics = dict.fromkeys(
        name for history in histories.values() for epoch in history.epochs for name in epoch.metrics
    )
    found = {_title(name): {} for name in metrics} | {_RATE: {}}
    for run, history in histories.items():
        epochs = [epoch.epoch + 1 for epoch in history.epochs]
        for name in metrics:
            values = history.curve(name)
            if values is not None:
                found[_title(name)][run] = (epochs, values)
        rates = [epoch.learning_rate for epoch in history.epochs]
        found[_RATE] |= {run: (epochs, rates)} if epochs else {}
    return [
        charts.line_chart(
            series, title=title, x_label="epoch", share=not title.startswith(("loss", _RATE))
        )
        for title, series in found.items()
        if series
    ]


def _title(metric: str) -> str:
    of_val = metric.startswith(VALIDATION)
    return title_of(metric.removeprefix(VALIDATION)) + (" on val" if of_val else "")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
