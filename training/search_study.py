"""The study of a search: which settings are tried next, and how each trial ended; resumable.

Every trial that ended is in a file (Optuna's, in SQLite) before the next one starts. After
`kill -9` the trial that ran is repeated in its folder. Knows nothing of how a trial is made.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose_activity.artifacts.commands import install

try:
    import optuna
except ModuleNotFoundError as error:
    raise ImportError(f"A search needs Optuna: {install('search')}") from error
from optuna import TrialPruned
from optuna.trial import FrozenTrial, Trial, TrialState

from pose_activity.artifacts.manifest import differences, read, sha256_json
from pose_activity.configs.sections import Run
from pose_activity.training import search_space as space
from pose_activity.training import search_table as table

STUDY = "study.db"
_FOLDER, _WHY, _SETTINGS, _ASKED = "folder", "why", "settings", "asked"
_STATES = {TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
_FIRST_PRUNED, _FIRST_EPOCH = 5, 2  # trials, and epochs, that are never pruned

Figures = Mapping[str, float]  # of val, by their names; and "n"
# Makes a trial: its settings, its folder's name, and what stops it (told of the figure after each
# epoch). Raises TrialPruned where that stopped it, ValueError or OSError where it failed.
Objective = Callable[[Mapping[str, str], str, Callable[[int, float], bool]], Figures]


@dataclass(frozen=True)
class TrialRequest:
    """A trial that is to be made: its settings, and its folder's name."""

    settings: Mapping[str, str]
    folder: str


# Makes some trials; returns the figures of each, or why it failed.
RoundObjective = Callable[[Sequence[TrialRequest]], Sequence[Figures | str]]


@dataclass(frozen=True)
class Study:
    """The trials of one question.

    Attributes:
        inner: Optuna's study.
        storage: Its file.
        space: What is tried.
        metric: One of `search_table.FIGURES`.
        seed: With the number of a trial, it decides what that tries.
    """

    inner: optuna.Study
    storage: optuna.storages.RDBStorage
    space: space.Space
    metric: str
    seed: int

    def rows(self) -> list[table.Row]:
        """Returns the trials that ended, the best one first."""
        last = {_folder_of(trial): trial for trial in self.inner.get_trials(deepcopy=False)}
        ended = [_row(trial) for trial in last.values() if trial.state in _STATES]
        return table.ranked(ended, self.metric)

    def close(self) -> None:
        """Closes the file."""
        self.storage.remove_session()
        self.storage.engine.dispose()


def open_study(folder: Path, run: Run) -> Study:
    """Opens the study of a search, or begins one with the configuration as it is.

    Args:
        folder: Of the search.
        run: With a section `search`; its step annotations is finished.

    Raises:
        ValueError: the study there is of another question.
    """
    section = space.section_of(run)
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(f"sqlite:///{(folder / STUDY).absolute().as_posix()}")
    found = optuna.create_study(
        storage=storage,
        study_name="search",
        direction="minimize" if section.metric == "loss" else "maximize",
        pruner=optuna.pruners.MedianPruner(_FIRST_PRUNED, _FIRST_EPOCH),
        load_if_exists=True,
    )
    study = Study(found, storage, section.space, section.metric, run.seed)
    asked = _asked(run)
    before = found.user_attrs.get(_ASKED)
    if before is None:
        found.set_user_attr(_ASKED, asked)
        own = space.values_of(run, section.space)
        if own is not None:
            found.enqueue_trial(own)
    elif lines := differences(before, asked):
        study.close()
        raise ValueError(
            f"{folder} holds a search that asks for something else: {'; '.join(lines[:3])}. Remove "
            "that folder, or choose another run_dir."
        )
    return study


def run_trials(
    study: Study, wanted: int, objective: Objective, *, after: Callable[[table.Row], None]
) -> None:
    """Runs trials until there are as many as are wanted.

    Args:
        study: Trials that ended count; one that was interrupted is repeated first.
        wanted: Number of trials in all.
        objective: Makes a trial.
        after: Called with each that ended.
    """
    _repeat_interrupted(study.inner)
    while len(study.rows()) < wanted:
        trial = _ask(study)
        folder = _folder_of(trial)
        _run(study, trial, folder, objective)
        after(next(row for row in study.rows() if row.trial == folder))


def run_rounds(
    study: Study,
    wanted: int,
    objective: RoundObjective,
    *,
    at_once: int,
    after: Callable[[table.Row], None],
) -> None:
    """Runs trials as `run_trials` does, but several at once; none is pruned.

    The trials of a round do not know each other's results, so that a search in rounds tries other
    settings than one without.

    Args:
        study: See `run_trials`.
        wanted: See there.
        objective: Makes the trials of a round.
        at_once: Trials in a round.
        after: See there.
    """
    _repeat_interrupted(study.inner)
    while (left := wanted - len(study.rows())) > 0:
        trials = [_ask(study) for _ in range(min(at_once, left))]
        asked = [TrialRequest(_draw(study, trial), _folder_of(trial)) for trial in trials]
        for trial, outcome in zip(trials, objective(asked), strict=True):
            _tell(study, trial, outcome)
            folder = _folder_of(trial)
            after(next(row for row in study.rows() if row.trial == folder))


def _ask(study: Study) -> Trial:
    number = len(study.inner.get_trials(deepcopy=False))
    # Of its own for each trial, so that a resumed search tries what an unbroken one would.
    study.inner.sampler = optuna.samplers.TPESampler(seed=study.seed + number)
    return study.inner.ask()


def _draw(study: Study, trial: Trial) -> dict[str, str]:
    settings = space.draw(trial, study.space)
    trial.set_user_attr(_SETTINGS, settings)
    return settings


def _tell(study: Study, trial: Trial, outcome: Figures | str) -> None:
    """Writes down how a trial ended: its figures, or why it failed."""
    if isinstance(outcome, str):
        trial.set_user_attr(_WHY, " ".join(outcome.split()))
        study.inner.tell(trial, state=TrialState.FAIL)
        return
    for name, value in outcome.items():
        trial.set_user_attr(name, value)
    study.inner.tell(trial, outcome[study.metric])


def _run(study: Study, trial: Trial, folder: str, objective: Objective) -> None:
    """Runs one trial and writes down how it ended."""
    settings = _draw(study, trial)

    def stops(epoch: int, figure: float) -> bool:
        trial.report(figure, epoch)
        return trial.should_prune()

    try:
        outcome: Figures | str = objective(settings, folder, stops)
    except TrialPruned as pruned:
        trial.set_user_attr(_WHY, str(pruned))
        study.inner.tell(trial, state=TrialState.PRUNED)
        return
    except (ValueError, OSError) as error:
        outcome = str(error)
    _tell(study, trial, outcome)


def _repeat_interrupted(study: optuna.Study) -> None:
    """Puts the trials of a killed search first again, each in its own folder."""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.enqueue_trial(trial.params, user_attrs={_FOLDER: _folder_of(trial)})
        study.tell(trial.number, state=TrialState.FAIL)


def _folder_of(trial: Trial | FrozenTrial) -> str:
    return trial.user_attrs.get(_FOLDER, f"trial_{trial.number}")


def _row(trial: FrozenTrial) -> table.Row:
    found = trial.user_attrs
    return table.Row(
        trial=_folder_of(trial),
        state=_STATES[trial.state],
        settings=found.get(_SETTINGS, {}),
        figures={name: found[name] for name in table.FIGURES if name in found},
        n=int(found.get("n", 0)),
        minutes=trial.duration.total_seconds() / 60 if trial.duration else 0.0,
        why=found.get(_WHY, ""),
    )


def _asked(run: Run) -> dict[str, Any]:
    """Returns all that makes trials comparable, as JSON: the configuration and the split."""
    made = read(run.run_dir / "annotations") or {}
    config = run.model_dump(mode="json", exclude={"run_dir"})
    return config | {"labels": sha256_json(made.get("outputs"))}
