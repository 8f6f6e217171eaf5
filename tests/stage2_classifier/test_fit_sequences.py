"""Looks at what `children/train_sequences.py` trained."""

import json
import math

import numpy as np
import pytest


def test_writes_history_and_classifier_and_leaves_no_states(walked):
    assert walked["files"] == ["classifier.keras", "history.csv", "training.json"]
    assert [row[0] for row in walked["history"]] == ["train"] * 4


def test_learns(walked):
    _, losses, _, held_out, _ = zip(*walked["learned"], strict=True)
    assert losses[-1] < 0.5 * losses[0] and held_out[-1] < 0.95 * held_out[0]


def test_tells_progress(walked):
    (first, all_steps, text), last = walked["told"]
    assert first == 1 and last[:2] == [all_steps, all_steps] and all_steps % 4 == 0
    assert text.startswith("train epoch 1: loss ")


def test_a_finished_training_is_not_repeated(walked):
    same, trained = walked["again"]
    assert same and not trained


def test_another_training_in_the_folder_is_refused(walked):
    assert "units: 6 -> 7" in walked["stale"] and "delete the folder" in walked["stale"]


def test_the_learning_rate_warms_up_and_falls(walked):
    """A quarter of the steps up to 0.02, then half a cosine down to 0."""
    expected = [0.02 * (1 + math.cos(math.pi * part / 3)) / 2 for part in range(4)]
    assert walked["rates"] == pytest.approx(expected, abs=1e-6)


def test_without_val_all_epochs_run_and_the_last_is_kept(walked):
    assert len(walked["alone"]) == 4  # with patience 1
    assert [row[3:] for row in walked["alone"]] == [[None, None]] * 4
    assert [row[1] for row in walked["alone"]] == [row[1] for row in walked["history"]]
    assert walked["without val"] == walked["digest"]  # which keeps the last one, too


def test_stops_early_and_keeps_the_best_epoch(walked):
    losses, best = walked["stopped"]
    assert losses.index(min(losses)) == best
    assert len(losses) == best + 3 < 40  # patience 2
    assert walked["kept_loss"] == pytest.approx(min(losses), rel=1e-3)


def test_smoothed_labels(walked):
    guess = np.log([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    truth = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    assert walked["smoothed"] == pytest.approx(-(truth * guess).sum(1).mean(), rel=1e-5)
    assert walked["sharp"] == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2, rel=1e-5)


def test_mistakes_are_told_before_anything_is_written(walked):
    assert "sequences in the split 'train'. Received: none" in walked["no_train"]
    assert "epochs must be at least 1. Received: 0" in walked["no_epoch"]
    assert "model must be one of ['lstm', " in walked["no_model"]
    assert "tiny has the options {'units': 6}" in walked["no_option"]
    assert walked["no_option"].endswith("Received: unit")
    assert not walked["refused made"]
    assert "'constant' or 'cosine'. Received: 'linear'" in walked["no_schedule"]
    assert "end before the last epoch. Received: 9 of 9 steps" in walked["long_warmup"]


@pytest.mark.slow  # `test_fit` kills the same loop in the default suite
def test_kill_9_changes_nothing(walked, child, walkers_cache, tmp_path):
    total = walked["told"][1][1]
    killed = child("child_sequences", walkers_cache, tmp_path, total * 5 // 8, check=False)
    assert killed.returncode == -9 and not (tmp_path / "classifier.keras").exists()
    assert (
        len((tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()) == 3
    )  # two epochs
    resumed = json.loads(child("child_sequences", walkers_cache, tmp_path, 0).stdout)
    assert resumed["history"] == walked["history"]
    assert resumed["digest"] == walked["digest"]
