"""`train.py search`: tries settings, each in a run of its own, and ranks them by a figure on val.

    RUN/search/trial_N/     a run folder, up to stage 2; the test split is never looked at
    RUN/search/study.db     what was tried, see `training.search_study`
    RUN/search/search.csv   the trials, the best one first, and search.md
    RUN/search/best.yaml    the configuration with the best settings

Steps that are the same as those of RUN, or of an earlier trial, are taken over (`training.reuse`).
"""

import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pose_activity.artifacts import manifest
from pose_activity.artifacts.atomic import write_text
from pose_activity.artifacts.lock import locked
from pose_activity.artifacts.removal import remove
from pose_activity.configs import reading
from pose_activity.configs.sections import Run
from pose_activity.learning.history import VALIDATION, History
from pose_activity.training import kinds, processes, reuse, search_study
from pose_activity.training import search_space as space
from pose_activity.training import search_table as table
from pose_activity.training.console import console, say, say_notes, say_rows
from pose_activity.training.own_files import STATES, files_of
from pose_activity.training.runs import CONFIG, SEARCH
from pose_activity.training.search_study import TrialPruned
from pose_activity.training.steps import Step, steps_of

LAST = "stage2"  # the step that a trial ends with
_SHOWN = 10  # rows of the table in a terminal
_STOPS = {128 + number for number in (signal.SIGINT, signal.SIGTERM)}


class Stopped(KeyboardInterrupt):
    """A step was told to stop, and the search with it.

    Attributes:
        code: Exit code of the step.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Trials:
    """Makes the trials of a search.

    Attributes:
        config: The configuration's file.
        overrides: What changes it, `key=value` each.
        run: What both say; its steps before stage 2 are finished.
        program: Words of the command that makes a step.
    """

    config: Path
    overrides: Sequence[str]
    run: Run
    program: Sequence[str]

    @property
    def folder(self) -> Path:
        """Of the search."""
        return self.run.run_dir / SEARCH

    def __call__(
        self, settings: Mapping[str, str], folder: str, stops: Callable[[int, float], bool]
    ) -> dict[str, float]:
        """Makes one trial; see `search_study.Objective`."""
        console.rule(f"[bold]{SEARCH}: {folder}", align="left")
        say(" ".join(space.as_overrides(settings)))
        run = self.with_settings(settings, self.folder / folder)
        with locked(run.run_dir) as lock:
            reuse.remember_digests(run, self.run.run_dir)
            write_text(run.run_dir / CONFIG, reading.dump(run))
            for step in _trained(run):
                self._make(run, step, lock, stops)
        for file in [*files_of(run.run_dir / LAST, STATES)]:
            remove(file)
        figures = _figures(run)
        if self.metric not in figures:
            raise ValueError(
                f"search.metric must be a figure of this kind of run: {', '.join(figures)}. "
                f"Received: {self.metric}"
            )
        return figures

    def with_settings(self, settings: Mapping[str, str], run_dir: Path) -> Run:
        """Returns the configuration of a run with some settings."""
        run = kinds.load(self.config, [*self.overrides, *space.as_overrides(settings)])
        return run.model_copy(update={"run_dir": run_dir, SEARCH: None})

    def _make(self, run: Run, step: Step, lock: int, stops: Callable[[int, float], bool]) -> None:
        """Takes one step over, or makes it in a process of its own."""
        folder, sources = run.run_dir / step.name, self._sources(run)
        if not (folder / manifest.NAME).exists():
            source = reuse.take_over(run, step, sources)
            if source is not None:
                say(f"{step.name}: as in {source}")
                return
        watch = _Watch(folder / "history.csv", self.metric, stops) if step.name == LAST else None
        command = [*self.program, step.name, "--config", str(run.run_dir / CONFIG)]
        code = processes.call(command, lock=lock, is_enough=watch)
        if watch and watch.stopped:
            raise TrialPruned(watch.stopped)
        if code in _STOPS:
            raise Stopped(code)
        if code:
            raise ValueError(f"the step {step.name} ended with exit code {code}")

    @property
    def metric(self) -> str:
        """By which trials are judged."""
        return space.section_of(self.run).metric

    def _sources(self, run: Run) -> list[Path]:
        """Returns the run folders whose steps a trial may have: the newest first."""
        trials = [path for path in self.folder.glob("trial_*") if path != run.run_dir]
        newest = sorted(trials, key=lambda path: path.stat().st_mtime_ns, reverse=True)
        return [*newest, self.run.run_dir]


class _Watch:
    """Looks at the epochs of a training, and tells whether it is worth going on.

    Attributes:
        stopped: Why it is not; "".
    """

    def __init__(self, history: Path, metric: str, stops: Callable[[int, float], bool]) -> None:
        self.history, self.metric, self.stops = history, metric, stops
        self.stopped, self._next = "", 0

    def __call__(self) -> bool:
        for epoch in History.read(self.history).epochs[self._next :]:
            self._next += 1
            figure = epoch.metrics.get(f"{VALIDATION}{self.metric}")
            if figure is not None and self.stops(epoch.epoch, figure):
                self.stopped = (
                    f"{self.metric} {figure:.4f} on val after epoch {epoch.epoch + 1} is worse "
                    "than that of most trials"
                )
                return True
        return False


def search(
    config: Path,
    overrides: Sequence[str],
    *,
    trials: int,
    program: Sequence[str],
    rounds: Callable[[Trials], search_study.RoundObjective] | None = None,
    at_once: int = 1,
) -> Path | None:
    """Runs trials until there are as many as are wanted; says and writes which is the best.

    Args:
        config: With a section `search`; see `configs.loading.find`.
        overrides: `key=value` each, see `configs.reading`.
        trials: Number of trials in all; those of an earlier call count.
        program: Words of the command that makes a step.
        rounds: Returns what makes several trials at once, given what makes one; None makes them
            one by one.
        at_once: How many; see `search_study.run_rounds`.

    Returns:
        The configuration with the best settings; None: no trial is done.

    Raises:
        ConfigError: the configuration, or the section `search`, is wrong.
        ValueError: the run has no classifier, one of its steps fails, or its folder holds another
            search.
        Stopped: a step was told to stop.
        BlockingIOError: another process works on this run.
    """
    run = space.load(config, overrides)
    names = [step.name for step in _trained(run)]
    if LAST not in names:
        raise ValueError("A search judges the classifier: this run has none.")
    kinds.check_paths(run, names)
    with locked(run.run_dir) as lock:
        _make_shared(config, overrides, names, lock, program)
        study = search_study.open_study(run.run_dir / SEARCH, run)
        try:
            make = Trials(config, overrides, run, program)
            after = partial(_note, study=study, make=make, wanted=trials)
            if rounds is None:
                search_study.run_trials(study, trials, make, after=after)
            else:
                search_study.run_rounds(study, trials, rounds(make), at_once=at_once, after=after)
            return _say_best(study.rows(), make)
        finally:
            study.close()


def _make_shared(
    config: Path, overrides: Sequence[str], names: Sequence[str], lock: int, program: Sequence[str]
) -> None:
    """Brings the run's own steps before stage 2 up to date, for trials to take over."""
    settings = [part for item in overrides for part in ("--set", item)]
    for name in names[: names.index(LAST)]:
        code = processes.call([*program, name, "--config", str(config), *settings], lock=lock)
        if code in _STOPS:
            raise Stopped(code)
        if code:
            raise ValueError(f"The search cannot start: the step {name} failed, see above.")


def _trained(run: Run) -> list[Step]:
    """Returns the steps of a trial."""
    steps = steps_of(run)
    names = [step.name for step in steps]
    return steps[: names.index(LAST) + 1] if LAST in names else steps


def _figures(run: Run) -> dict[str, float]:
    """Returns what a finished trial is judged by: figures of val alone."""
    return kinds.kind_of(run).module("val_figures").figures(run)


def _note(row: table.Row, *, study: search_study.Study, make: Trials, wanted: int) -> None:
    """Says how a trial ended, and brings the table up to date."""
    rows = study.rows()
    table.write(make.folder, rows, study.metric)
    best = rows[0]
    if best.state == "done":
        run = make.with_settings(best.settings, make.run.run_dir)
        table.write_best(make.folder, run, best, of=len(rows), metric=study.metric)
    figures = ", ".join(f"{name} {value:.4f}" for name, value in row.figures.items())
    colour = {"done": "green", "failed": "red"}.get(row.state, "yellow")
    say(
        f"{row.trial} ({len(rows)} of {wanted}): {figures or row.why}", mark=row.state, style=colour
    )


def _say_best(rows: Sequence[table.Row], make: Trials) -> Path | None:
    """Prints the best trials, and how to have the best one."""
    say_rows(
        f"{len(rows)} trials, the best {make.metric} on val first",
        [
            {
                "trial": row.trial,
                make.metric: f"{row.figures[make.metric]:.4f}" if row.figures else row.state,
                "settings": " ".join(space.as_overrides(row.settings)),
            }
            for row in rows[:_SHOWN]
        ],
    )
    say(f"all of it: {make.folder / table.MARKDOWN}, {table.CSV}")
    best, path = rows[0], make.folder / table.BEST
    if best.state != "done":
        say_notes([f"no trial is done; the first one: {best.why}"])
        return None
    settings = space.as_overrides(best.settings)
    say(" ".join(f"--set {shlex.quote(item)}" for item in settings), mark="best:", style="green")
    if len({row.n for row in rows if row.state == "done"}) > 1:
        say_notes(["not every trial could use all of val: compare the column val"])
    return path
