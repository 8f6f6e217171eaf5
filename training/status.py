"""`train.py status`: which steps of a run are done, stale or missing, and why. Writes nothing.

A step is judged by the function that `run_step` skips it by. What it was made from may be gone
(labels, pictures, weights on another disk): then that is reported, and the rest is judged.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from pose_activity.artifacts import manifest
from pose_activity.artifacts.lock import is_locked
from pose_activity.configs import sections
from pose_activity.configs.sections import Run
from pose_activity.training import kinds, search_table
from pose_activity.training.console import console, say, say_notes
from pose_activity.training.runs import bytes_below
from pose_activity.training.steps import Step, altered, changes, steps_of

MOST_REASONS, MOST_COUNTS = 3, 3
COLOURS = {"done": "green", "stale": "yellow", "missing": "red", "not needed": "dim"}


@dataclass(frozen=True)
class StepStatus:
    """The status of one step.

    Attributes:
        step: One of `sections.STEPS`.
        state: "done"; "stale": finished, but `train.py all` would make it again; "missing": not
            finished; "not needed" by this configuration.
        why: One line per reason why it is not done.
        notes: One line per source outside the run that is gone and so was not compared.
        at: When it was finished; None if it was not.
        seconds: How long it took; None if it was not finished.
        size: Bytes on disk.
        counts: What its manifest counts.
        fits: Whether later steps can use it. Also true if nothing is wrong but missing files that
            come out the same when they are made again.
    """

    step: str
    state: Literal["done", "stale", "missing", "not needed"]
    why: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    at: datetime | None = None
    seconds: float | None = None
    size: int = 0
    counts: Mapping[str, Any] | None = None
    fits: bool = True


def step_statuses(run: Run) -> list[StepStatus]:
    """Judges every step of a run; nothing is written, nothing is downloaded."""
    needed = {step.name: step for step in steps_of(run, look_only=True)}
    found, unfit = [], []
    for name in sections.STEPS:
        step = needed.get(name)
        status = _judge(run, step, unfit) if step else StepStatus(name, "not needed")
        found.append(status)
        if not status.fits:
            unfit.append(name)
    return found


def show(run: Run) -> bool:
    """Prints a table of all steps, why some are not done, and what `train.py all` would do next.

    Returns:
        Whether every step that is needed is done.
    """
    found = step_statuses(run)
    table = Table(title=escape(str(run.run_dir)), title_justify="left", box=SIMPLE_HEAD)
    for name, width in {"step": 11, "state": 7, "finished": 16, "minutes": 7, "size": 8}.items():
        table.add_column(name, no_wrap=True, min_width=width)
    table.add_column("counts")
    for status in found:
        table.add_row(*_cells(status))
    console.print(table)
    for status in found:
        for line in _shortened(status.why):
            say(line, mark=f"{status.step}:", style=COLOURS[status.state])
        gone = (f"{status.step}: not compared, since it is gone: {n}" for n in status.notes)
        say_notes(gone)
        early = (status.counts or {}).get("finished_early")
        say_notes([f"{status.step}: finished early {early}"] if early else [])
    if is_locked(run.run_dir):
        say_notes(["another process works on this run now"])
    say(_next(run, found))
    if searched := search_table.summary(run.run_dir):
        say(searched)
    return all(status.state in ("done", "not needed") for status in found)


def _judge(run: Run, step: Step, unfit: Sequence[str]) -> StepStatus:
    """Judges one step; `unfit` are the earlier ones that it cannot use."""
    folder = run.run_dir / step.name
    size = bytes_below(folder)
    try:
        made = manifest.read(folder)
    except ValueError as error:
        return StepStatus(step.name, "stale", (str(error),), size=size, fits=False)
    if made is None:
        return StepStatus(step.name, "missing", (_how_far(folder),), size=size, fits=False)
    external, notes = _external_inputs(step)
    why, lost = _reasons(run, step, external)
    earlier = [f"{name} is not done" for name in unfit]
    return StepStatus(
        step.name,
        "stale" if why or lost or earlier else "done",
        (*why, *lost, *earlier),
        notes,
        datetime.fromtimestamp((folder / manifest.NAME).stat().st_mtime),
        made.get("seconds"),
        size,
        made.get("counts"),
        fits=not (why or earlier),
    )


def _reasons(
    run: Run, step: Step, external: Mapping[str, str | None]
) -> tuple[list[str], list[str]]:
    """Returns why a step would be made again: what does not fit, and which files are lost."""
    try:
        return changes(run, step, external), altered(run, step) + step.lost_files()
    except (OSError, ValueError) as error:  # damage, here or in what an earlier step left
        return [str(error)], []


def _external_inputs(step: Step) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """Returns the digests of what a step reads outside the run, None if it is gone, and why."""
    digests: dict[str, str | None] = {}
    notes = []
    for name, digest in step.external_inputs.items():
        try:
            digests[name] = digest()
        except (OSError, ValueError) as error:
            digests[name] = None
            notes.append(f"{name} ({str(error).split('. ')[0]})")
    return digests, tuple(notes)


def _how_far(folder: Path) -> str:
    started = folder.is_dir() and any(folder.iterdir())
    return "started, not finished" if started else "never made"


def _cells(status: StepStatus) -> list[str]:
    seconds, counts = status.seconds, [*(status.counts or {}).items()][:MOST_COUNTS]
    return [
        status.step,
        f"[{COLOURS[status.state]}]{status.state}[/]",
        f"{status.at:%Y-%m-%d %H:%M}" if status.at else "",
        f"{seconds / 60:.1f}" if seconds is not None else "",
        decimal(status.size) if status.size else "",
        escape(", ".join(f"{name} {_short(value)}" for name, value in counts)),
    ]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(len(value)) if isinstance(value, (list, dict)) else str(value)


def _shortened(lines: Sequence[str]) -> list[str]:
    """Returns the first lines, with digests cut to what a person compares."""
    first = [
        re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", line) for line in lines[:MOST_REASONS]
    ]
    rest = len(lines) - len(first)
    return [*first, f"and {rest} more like this"] if rest else first


def _next(run: Run, found: Sequence[StepStatus]) -> str:
    """Returns a sentence on what `train.py all` would do with this configuration."""
    todo = [status for status in found if status.state in ("stale", "missing")]
    try:
        kinds.check_paths(run, sections.STEPS)
    except sections.ConfigError as error:
        does = f"first ask for: {'; '.join(str(error).splitlines())}"
        return f"`train.py all` would {does}"
    if not todo:
        return "`train.py all` would do nothing: every step is done."
    return f"`train.py all` would make: {', '.join(status.step for status in todo)}."
