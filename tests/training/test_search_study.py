"""Trials by a made-up objective: their order, pruning, and what a killed search keeps."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import optuna
import pytest

from pose_activity.configs.sections import Run
from pose_activity.training import search_study, search_table
from pose_activity.training.search_study import (
    Figures,
    Study,
    TrialRequest,
    open_study,
    run_rounds,
    run_trials,
)
from tests.commands import ROOT

SPACE = {"x": {"low": -1.0, "high": 1.0}, "name": {"choices": ["a", None, [1, 2]]}}
Stops = Callable[[int, float], bool]


def run_of(folder: Path, metric: str = "loss", space: Mapping = SPACE) -> Run:
    return Run.model_validate({"run_dir": folder, "search": {"space": space, "metric": metric}})


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    found = open_study(tmp_path / "search", run_of(tmp_path))
    yield found
    found.close()


def parabola(settings: Mapping[str, str], folder: str, stops: Stops) -> Figures:
    loss = (float(settings["x"]) - 0.3) ** 2 + (settings["name"] != "[1, 2]")
    return {"accuracy": 0.5, "macro_f1": 0.5, "loss": loss, "n": 10}


def nothing(row: search_table.Row) -> None:
    pass


def test_the_best_of_many_stands_first(study: Study) -> None:
    run_trials(study, 12, parabola, after=nothing)
    rows = study.rows()
    losses = [row.figures["loss"] for row in rows]
    assert len(rows) == 12 and losses == sorted(losses)
    assert losses[0] == min(parabola(row.settings, "", lambda *_: False)["loss"] for row in rows)
    assert {row.settings["name"] for row in rows} <= {"a", "null", "[1, 2]"}


def test_trials_of_an_earlier_call_count(study: Study) -> None:
    ended = []
    run_trials(study, 2, parabola, after=ended.append)
    run_trials(study, 3, parabola, after=ended.append)
    assert [row.trial for row in ended] == ["trial_0", "trial_1", "trial_2"]


def test_several_at_once_are_as_many_in_all(study: Study) -> None:
    ended, rounds = [], []

    def make(asked: Sequence[TrialRequest]) -> list[Figures | str]:
        rounds.append([one.folder for one in asked])
        return [
            "no such\nlayer"
            if one.folder == "trial_1"
            else parabola(one.settings, one.folder, lambda *_: False)
            for one in asked
        ]

    run_trials(study, 1, parabola, after=ended.append)
    run_rounds(study, 6, make, at_once=3, after=ended.append)
    assert rounds == [["trial_1", "trial_2", "trial_3"], ["trial_4", "trial_5"]]
    assert [row.trial for row in ended] == [f"trial_{n}" for n in range(6)]
    assert [row.state for row in study.rows()] == ["done"] * 5 + ["failed"]
    assert study.rows()[-1].why == "no such layer"


def test_a_trial_that_fails_is_kept_with_its_reason_and_the_search_goes_on(study: Study) -> None:
    def fails_once(settings: Mapping[str, str], folder: str, stops: Stops) -> Figures:
        if folder == "trial_1":
            raise ValueError("no such\nlayer")
        return parabola(settings, folder, stops)

    run_trials(study, 3, fails_once, after=nothing)
    rows = study.rows()
    assert [row.state for row in rows] == ["done", "done", "failed"]
    assert rows[-1].why == "no such layer" and rows[-1].cells()["loss"] == ""


def test_a_hopeless_trial_is_pruned(tmp_path: Path) -> None:
    study = open_study(tmp_path / "search", run_of(tmp_path, "accuracy"))
    epochs = dict.fromkeys((f"trial_{i}" for i in range(7)), 0)

    def trains(settings: Mapping[str, str], folder: str, stops: Stops) -> Figures:
        ceiling = 0.1 if folder == "trial_6" else 0.8
        for epoch in range(10):
            epochs[folder] += 1
            if stops(epoch, ceiling):
                raise optuna.TrialPruned("below the median")
        return {"accuracy": ceiling, "macro_f1": 0.0, "loss": 0.0, "n": 10}

    run_trials(study, 7, trains, after=nothing)
    rows = study.rows()
    study.close()
    assert (rows[-1].trial, rows[-1].state, rows[-1].why) == (
        *("trial_6", "pruned"),
        "below the median",
    )
    assert epochs["trial_6"] == 3 and epochs["trial_5"] == 10


KILLED = """
import os, signal, sys
from pathlib import Path
from pose_activity.training.search_study import open_study, run_trials
from tests.training.test_search_study import nothing, parabola, run_of
folder = Path(sys.argv[1])
def objective(settings, name, stops):
    (folder / name).touch()
    if name == "trial_2":
        os.kill(os.getpid(), signal.SIGKILL)
    return parabola(settings, name, stops)
run_trials(open_study(folder / "search", run_of(folder)), 5, objective, after=nothing)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_killed_search_keeps_what_ended_and_repeats_what_ran(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    command = [sys.executable, "-c", KILLED, str(tmp_path / "killed")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == -9, done.stderr
    made: list[str] = []

    def notes(settings: Mapping[str, str], folder: str, stops: Stops) -> Figures:
        made.append(folder)
        return parabola(settings, folder, stops)

    tried = []
    for name in ("killed", "unbroken"):
        study = open_study(tmp_path / name / "search", run_of(tmp_path / name))
        before = sorted(study.rows(), key=lambda row: row.trial)
        run_trials(study, 5, notes, after=nothing)
        rows = study.rows()
        assert len(rows) == 5 and all(row in rows for row in before)
        tried.append({row.trial: row.settings for row in rows})
        study.close()
        assert [row.trial for row in before] == (["trial_0", "trial_1"] if name == "killed" else [])
    assert made[0] == "trial_2"  # in its own folder, with the settings that it had
    for trial in ("trial_0", "trial_1", "trial_2"):
        assert tried[0][trial] == tried[1][trial]


@pytest.mark.parametrize(
    ("metric", "space", "message"),
    [
        ("accuracy", SPACE, "search.metric: 'loss' -> 'accuracy'"),
        ("loss", {"x": {"low": -2.0, "high": 1.0}}, "search.space"),
    ],
)
def test_another_question_is_refused(
    study: Study, tmp_path: Path, metric: str, space: Mapping, message: str
) -> None:
    with pytest.raises(ValueError, match="asks for something else: .*Remove that folder") as found:
        open_study(tmp_path / "search", run_of(tmp_path, metric, space))
    assert message in str(found.value)


def test_the_configuration_itself_is_tried_first(tmp_path: Path) -> None:
    space = {"seed": {"choices": [7, 0, 3]}, "threads": {"low": 1, "high": 4}}
    study = open_study(tmp_path / "search", run_of(tmp_path, "loss", space))
    made = []

    def notes(settings: Mapping[str, str], folder: str, stops: Stops) -> Figures:
        made.append(settings)
        return {"accuracy": 0.0, "macro_f1": 0.0, "loss": 0.0, "n": 1}

    search_study.run_trials(study, 2, notes, after=nothing)
    study.close()
    assert made[0] == {"seed": "0", "threads": "2"}
    assert made[1]["seed"] in ("7", "0", "3") and made[1]["threads"] in ("1", "2", "3", "4")
