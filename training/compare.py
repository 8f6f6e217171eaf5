"""The command `compare`: several runs side by side, and what each has over the first one.

    comparison.csv        all figures
    comparison.md         the same for a README, and how much better each run is than the first
    comparison.html       the same, with the curves of the trainings side by side
    differing_answers.csv each answer of another run that differs from that of the first

Only what the runs' reports hold is gathered; nothing is classified here.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pose_activity.artifacts import atomic, csv_text, markdown
from pose_activity.configs.sections import Run
from pose_activity.learning.history import TRAINING_FILES, History
from pose_activity.stage2_classifier.scores.compare_answers import Comparison, compare_answers
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.compare_curves import write_curves
from pose_activity.training.console import say, say_notes, say_rows
from pose_activity.training.kinds import kind_of
from pose_activity.training.steps import require, steps_of

FIGURES = (
    "accuracy",
    "top3_accuracy",
    "macro_average_precision",
    "accuracy_at_coverage",
    "weighted_precision",
    "weighted_recall",
    "macro_f1",
    "ece",
    "rank1",
    "rank5",
    "mean_average_precision",
)
PREDICTIONS = "predictions.parquet"
_FACTS = ("model", "poses", "split", "n", "left_out")
_SHOWN = ("run", "model", "n", "accuracy", "macro_f1", "rank1")  # what a terminal has room for
_HISTORY = TRAINING_FILES[2]


def compare(runs: Sequence[Run], out: Path) -> None:
    """Writes and prints a table of finished runs, and what each has over the first.

    Args:
        runs: Each finished, the report included.
        out: Folder of the files; made if it is not there.

    Raises:
        ValueError: a step of a run is missing or stale.
    """
    for run in runs:
        require(run, steps_of(run))
    rows = _filled([row_of(run) for run in runs])
    found, notes = _compare_with_first(runs)
    atomic.write_text(out / "comparison.csv", _csv(rows))
    atomic.write_text(out / "comparison.md", _markdown(rows) + _gains(runs[0], found, notes))
    atomic.write_text(out / "differing_answers.csv", _differing(found))
    histories = {run.run_dir.name: History.read(run.run_dir / "stage2" / _HISTORY) for run in runs}
    write_curves(out / "comparison.html", histories, rows)
    own = [name for name in rows[0] if name not in (*_FACTS, *FIGURES)]  # of some kinds
    shown = dict.fromkeys((*_SHOWN, *own))
    shown = [name for name in shown if any(row[name] is not None for row in rows)]
    say_rows("comparison", [{name: _short(row[name]) for name in shown} for row in rows])
    if found:
        say_rows(f"beside {runs[0].run_dir.name}", [gain_row(*one) for one in found.items()])
    say_notes(notes)
    say(f"all of it: {out / 'comparison.html'}, comparison.md, .csv, differing_answers.csv")


def _compare_with_first(runs: Sequence[Run]) -> tuple[dict[str, Comparison], list[str]]:
    """Returns name -> what a run has over the first; and why others cannot be compared with it.

    Runs of a kind that names nothing (body parts) have no answers that could differ.
    """
    found, notes = {}, []
    answered = [run for run in runs if (run.run_dir / "report" / PREDICTIONS).is_file()]
    if runs[0] not in answered:
        return found, notes
    for run in answered[1:]:
        name = run.run_dir.name
        try:
            found[name] = compare_answers(_answers(runs[0]), _answers(run))
        except ValueError as error:
            notes.append(f"{runs[0].run_dir.name} and {name}: {error}")
    return found, notes


def _answers(run: Run) -> Predictions:
    return Predictions.read(run.run_dir / "report" / PREDICTIONS)


def gain_row(name: str, found: Comparison) -> dict[str, str]:
    """Returns a row of a table: how much more accurate a run is, in points, and how sure that is.

    Args:
        name: The run's.
        found: What it has over another one.
    """
    low, high = found.interval
    return {
        "run": name,
        "accuracy, points": f"{100 * found.gain:+.1f}",
        "95 % interval": f"{100 * low:+.1f} to {100 * high:+.1f}",
        "answers that differ": f"{len(found.differing)} of {found.n}",
        "right here alone": str(found.better),
        "right there alone": str(found.worse),
    }


def _gains(first: Run, found: Mapping[str, Comparison], notes: Sequence[str]) -> str:
    """Returns Markdown behind the table of figures."""
    rows = [gain_row(name, one) for name, one in found.items()]
    parts = [f"- {note}\n" for note in notes]
    if rows:
        table = markdown.table([*rows[0]], [[*row.values()] for row in rows])
        about = f"Beside {first.run_dir.name}, on the same pictures (paired bootstrap):"
        parts.insert(0, f"{about}\n\n{table}\n")
    return "\n" + "".join(parts) if parts else ""


def _differing(found: Mapping[str, Comparison]) -> str:
    heads = ("run", "image", "person", "label", "answer of the first", "answer")
    rows = [(name, *row) for name, one in found.items() for row in one.differing]
    return csv_text.as_text([heads, *rows])


def row_of(run: Run) -> dict[str, Any]:
    """Returns a run's name, facts and figures; None for what it does not have."""
    path = run.run_dir / "report" / "metrics.json"
    own = kind_of(run).module("report").comparison(run)
    found = {"run": run.run_dir.name} | json.loads(path.read_text(encoding="utf-8")) | own
    return {name: found.get(name) for name in dict.fromkeys(("run", *_FACTS, *FIGURES, *own))}


def _filled(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns rows with the same columns: those of all kinds of runs that are compared."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


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
