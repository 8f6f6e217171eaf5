"""The trials of a search as a table: `search.csv`, `search.md`, `best.yaml`; the best one first.

A trial that was interrupted and repeated has one row, that of its repetition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose_activity.artifacts import atomic, csv_text, markdown
from pose_activity.configs import reading
from pose_activity.configs.sections import Run
from pose_activity.training.runs import SEARCH

CSV, MARKDOWN, BEST = "search.csv", "search.md", "best.yaml"
FIGURES = ("accuracy", "macro_f1", "miou", "loss")
_ORDER = ("done", "pruned", "failed")


@dataclass(frozen=True)
class Row:
    """A trial that ended.

    Attributes:
        trial: Its folder's name.
        state: "done"; "pruned": stopped since it was worse than others; "failed".
        settings: Name of a setting -> its value as text.
        figures: Name, of `FIGURES` -> its value on val; none where the trial is not done.
        n: Pictures or clips of val; 0 where the trial is not done.
        minutes: How long it took.
        why: Why it failed or was pruned; "".
    """

    trial: str
    state: str
    settings: Mapping[str, str]
    figures: Mapping[str, float]
    n: int
    minutes: float
    why: str

    def cells(self) -> dict[str, Any]:
        """Returns the values of its columns."""
        figures = {name: _short(self.figures.get(name)) for name in FIGURES}
        rest = {"val": self.n or "", "minutes": f"{self.minutes:.1f}", "why": self.why}
        return {"trial": self.trial, "state": self.state} | figures | dict(self.settings) | rest


def ranked(rows: Sequence[Row], metric: str) -> list[Row]:
    """Returns the best trials first, then pruned ones, then failed ones.

    Of equal ones that with the lower loss is first.

    Args:
        rows: In the order of the trials.
        metric: One of `FIGURES`.
    """
    sign = 1 if metric == "loss" else -1

    def place(row: Row) -> tuple[float, ...]:
        figures = row.figures
        return _ORDER.index(row.state), sign * figures.get(metric, 0.0), figures.get("loss", 0.0)

    return sorted(rows, key=place)


def write(folder: Path, rows: Sequence[Row], metric: str) -> None:
    """Writes the table.

    Args:
        folder: Of the search.
        rows: At least one, see `ranked`.
        metric: By which they were ranked.
    """
    cells = [row.cells() for row in rows]
    heads = [*rows[0].cells()]
    atomic.write_text(folder / CSV, csv_text.as_text([heads, *(row.values() for row in cells)]))
    about = (
        f"{len(rows)} trials, the best {metric} on val first. The best of many trials looks better "
        "on val than it is: judge it on the test split, once.\n\n"
    )
    shown = [name for name in heads if any(row[name] for row in cells)]
    table = markdown.table(shown, [[row[name] for name in shown] for row in cells])
    atomic.write_text(folder / MARKDOWN, about + table)


def write_best(folder: Path, run: Run, row: Row, *, of: int, metric: str) -> None:
    """Writes the configuration of the best trial, for the run folder that was searched from.

    Args:
        folder: Of the search.
        run: The configuration, with the settings of the trial.
        row: The trial.
        of: Number of trials.
        metric: By which it is the best.
    """
    about = f"# The best of {of} trials: {metric} {row.figures[metric]:.4f} on val, {row.trial}.\n"
    settings = "".join(f"# {name}={value}\n" for name, value in row.settings.items())
    searched = run.model_copy(update={"search": None})
    atomic.write_text(folder / BEST, about + settings + reading.dump(searched))


def summary(run_dir: Path) -> str | None:
    """Returns a sentence on the search in a run folder; None where there was none."""
    path = run_dir / SEARCH / CSV
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        heads, *rows = csv_text.read(file)
    trials = [dict(zip(heads, row, strict=True)) for row in rows]
    counts = {state: sum(row["state"] == state for row in trials) for state in _ORDER}
    found = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    return f"{len(trials)} trials of a search ({found}): {run_dir / SEARCH / MARKDOWN}"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
