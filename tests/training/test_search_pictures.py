"""`train.py search` on drawn pictures: killed in the middle and called again; and pruned."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pose_activity.learning.history import History
from pose_activity.training import kinds
from pose_activity.training.search_study import Figures, open_study, run_trials
from tests.commands import ROOT, call
from tests.training.pictures.test_fit_linear import CONFIG, draw, write_backbone, write_pose
from tests.training.test_search import rows_of
from tests.waiting import wait_for

pytestmark = pytest.mark.slow
SPACE = "search: {space: {stage2.linear.C: {low: 0.0001, high: 1.0, log: true}}}\n"
TRIALS = 3
NETWORK = """
run_dir: {folder}/run
draw: {{folder: {folder}/data, images: 60, width: 96, height: 96}}
data: {{format: mpii, annotations: {folder}/data/release.mat, images: {folder}/data/images}}
split: {{train: 0.6, val: 0.2, test: 0.2}}
cache: {{width: 64, height: 48, poses: labels}}
stage2: {{epochs: {epochs}, patience: {epochs}, weights: none}}
search:
  metric: loss
  space: {{stage2.learning_rate: {{low: 1.0e-9, high: 1.0e-8, log: true}}}}  # learns nothing
"""
EPOCHS = 1000  # minutes, if nothing stopped it
BEFORE = 5  # trials that are not pruned


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_killed_search_goes_on_where_it_was(tmp_path: Path) -> None:
    write_pose(tmp_path / "stage1")
    write_backbone(tmp_path / "backbone.onnx")
    draw(tmp_path / "photos", range(6))
    config, run = tmp_path / "config.yaml", tmp_path / "run"
    config.write_text(CONFIG.format(folder=tmp_path) + SPACE, encoding="utf-8")
    arguments = ("search", "--config", str(config), "--trials", str(TRIALS))
    with subprocess.Popen(
        [sys.executable, "train.py", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as searching:
        try:
            wait_for((run / "search" / "search.csv").is_file, seconds=300)  # a trial has ended
        finally:
            os.killpg(searching.pid, signal.SIGKILL)
    ended = {row["trial"]: row for row in rows_of(run)}
    assert 0 < len(ended) < TRIALS
    made = {trial: _made(run, trial) for trial in ended}
    done = call("train.py", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {row["trial"]: row for row in rows_of(run)}
    assert {*found} == {f"trial_{number}" for number in range(TRIALS)}
    assert {row["state"] for row in found.values()} == {"done"}
    for trial in ended:
        assert found[trial] == ended[trial]  # settings and figures
        assert _made(run, trial) == made[trial]  # not made again


def test_a_network_that_learns_nothing_is_stopped(tmp_path: Path) -> None:
    config, run = tmp_path / "config.yaml", tmp_path / "run"
    config.write_text(NETWORK.format(folder=tmp_path, epochs=EPOCHS), encoding="utf-8")
    done = call("train.py", "annotations", "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    study = open_study(run / "search", kinds.load(config))
    run_trials(study, BEFORE, _learns, after=lambda row: None)
    study.close()
    done = call(
        *("tests/train_small.py", "search", "--config", config, "--trials", str(BEFORE + 1))
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *others, last = rows_of(run)
    assert {row["state"] for row in others} == {"done"}
    assert (last["trial"], last["state"]) == (f"trial_{BEFORE}", "pruned")
    assert "on val after epoch 3 is worse" in last["why"] and last["loss"] == ""
    assert len(History.read(run / "search" / last["trial"] / "stage2/history.csv").epochs) < EPOCHS


def _made(run: Path, trial: str) -> int:
    return (run / "search" / trial / "stage2" / "manifest.json").stat().st_mtime_ns


def _learns(
    settings: Mapping[str, str], folder: str, stops: Callable[[int, float], bool]
) -> Figures:
    """Stands for a trial whose loss is low from the first epochs on."""
    assert not any(stops(epoch, 0.01) for epoch in range(4))
    return {"accuracy": 0.9, "macro_f1": 0.9, "loss": 0.01, "n": 12}
