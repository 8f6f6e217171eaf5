"""The command `compare`: several runs side by side, one row each, as a table for people and files.

    comparison.csv   all figures
    comparison.md    the same for a README

Only what the runs' reports hold is gathered; nothing is measured here.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pose_activity.artifacts import atomic, csv_text, markdown
from pose_activity.configs.sections import Run
from pose_activity.training.console import say, say_rows
from pose_activity.training.kinds import kind_of
from pose_activity.training.steps import require, steps_of

FIGURES = (
    "accuracy",
    "top3_accuracy",
    "weighted_precision",
    "weighted_recall",
    "macro_f1",
    "rank1",
    "rank5",
    "mean_average_precision",
)
_FACTS = ("model", "poses", "split", "n", "left_out")
_SHOWN = ("run", "model", "n", "accuracy", "macro_f1", "rank1")  # what a terminal has room for


def compare(runs: Sequence[Run], out: Path) -> None:
    """Writes and prints a table of finished runs.

    Args:
        runs: Each finished, the report included.
        out: Folder of the two files; made if it is not there.

    Raises:
        ValueError: a step of a run is missing or stale.
    """
    for run in runs:
        require(run, steps_of(run))
    rows = [row_of(run) for run in runs]
    atomic.write_text(out / "comparison.csv", _csv(rows))
    atomic.write_text(out / "comparison.md", _markdown(rows))
    shown = [name for name in _SHOWN if any(row[name] is not None for row in rows)]
    say_rows("comparison", [{name: _short(row[name]) for name in shown} for row in rows])
    say(f"all of it: {out / 'comparison.md'}, .csv")


def row_of(run: Run) -> dict[str, Any]:
    """Returns a run's name, facts and figures; None for what it does not have."""
    path = run.run_dir / "report" / "metrics.json"
    found = {"run": run.run_dir.name} | json.loads(path.read_text(encoding="utf-8"))
    found |= kind_of(run).module("report").comparison(run)
    return {name: found.get(name) for name in ("run", *_FACTS, *FIGURES)}


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    names = [*rows[0]]
    return csv_text.as_text([names, *([_short(row[name]) for name in names] for row in rows)])


def _markdown(rows: Sequence[dict[str, Any]]) -> str:
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    return markdown.table(names, [[_short(row[name]) for name in names] for row in rows])
