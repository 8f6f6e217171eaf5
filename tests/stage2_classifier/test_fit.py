"""Looks at what a child process trained (see `conftest.py`)."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pose_activity.artifacts import manifest
from pose_activity.backbones.lite_weights import package_file

READ_EVENTS = Path(__file__).resolve().parents[1] / "read_events.py"
HEAD = ["head/bias", "head/kernel"]
ADAPTER = ["mix/bias", "mix/kernel", "to_rgb/bias", "to_rgb/kernel"]


def _names(paths):
    return sorted("/".join(path.split("/")[-2:]) for path in paths)


def test_writes_history_and_classifier_and_leaves_no_states(tiny):
    assert tiny["files"] == [
        f"whole/{name}" for name in ("classifier.keras", "history.csv", "training.json")
    ]
    assert [row[0] for row in tiny["history"]] == ["head"] * 3 + ["fine_tune"] * 3


def test_the_history_has_what_the_network_measures(tiny):
    assert tiny["metrics"] == ["loss", "accuracy", "val_loss", "val_accuracy"]


def test_the_monitor_chooses_the_epoch(tiny):
    found, kept = tiny["chosen"]
    assert found.index(max(found)) == kept
    assert tiny["chosen_f1"] == pytest.approx(max(found), abs=1e-5)


def test_macro_f1_is_that_of_scikit_learn(tiny):
    found, expected = tiny["macro_f1"]
    assert found == pytest.approx(expected, abs=1e-6) and 0.05 < found < 0.95


def test_learns(tiny):
    losses = [row[1] for row in tiny["history"]]
    assert losses[-1] < 0.8 * losses[0]


def test_tells_progress(tiny):
    (first, all_steps, text), last = tiny["told"]
    assert (first, all_steps) == (1, 30)  # 24 images, 5 a step, 6 epochs
    assert text.startswith("head epoch 1: loss ")
    assert last[:2] == [30, 30]


def test_a_finished_training_is_not_repeated(tiny):
    same, trained = tiny["again"]
    assert same and not trained


def test_another_training_in_the_folder_is_refused(tiny):
    assert "dropout: 0.2 -> 0.5" in tiny["stale"]
    assert "delete the folder" in tiny["stale"]


def test_a_frozen_backbone_does_not_move(tiny):
    assert _names(tiny["head_moves"]) == sorted(HEAD + ADAPTER)


def test_train_adapter_off_trains_the_head_alone(tiny):
    assert _names(tiny["no_adapter_moves"]) == HEAD


def test_fine_tuning_moves_all_but_batch_normalisation(tiny):
    convolutions = ["first/bias", "first/kernel", "last/bias", "last/kernel"]
    assert _names(tiny["whole_moves"]) == sorted(HEAD + ADAPTER + convolutions)


def test_fine_tuning_frees_an_adapter_that_was_frozen(tiny):
    convolutions = ["first/bias", "first/kernel", "last/bias", "last/kernel"]
    assert _names(tiny["thawed"]) == sorted(HEAD + ADAPTER + convolutions)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_leaves_float32(tiny, precision):
    found = tiny[precision]
    assert found["policies"] == ["float32"] and tiny["policy_after"] == "float32"
    assert found["losses"][-1] < 0.8 * found["losses"][0]
    assert found["kept_loss"] == pytest.approx(found["best"], rel=0.05)


def test_the_precision_matters(tiny):
    assert tiny["mixed_bfloat16"]["digest"] != tiny["mixed_float16"]["digest"]


def test_the_weights_file_is_recorded(lite0):
    asked = json.loads((lite0 / "training.json").read_text(encoding="utf-8"))
    assert asked["weights_sha256"] == manifest.sha256_file(package_file("efficientnet_lite0"))


def test_fine_tune_layers_counts_from_the_end(tiny):
    assert _names(tiny["last_moves"]) == sorted([*HEAD, *ADAPTER, "last/bias", "last/kernel"])


def test_stops_early_and_keeps_the_best_epoch(tiny):
    losses, best = tiny["stopped"]
    assert losses.index(min(losses)) == best
    assert len(losses) == best + 3 < 9  # patience 2
    assert tiny["kept_loss"] == pytest.approx(min(losses), rel=1e-3)


def test_class_weights_matter(tiny):
    assert tiny["class_weights_matter"]


def test_an_empty_split_is_an_error(tiny):
    assert "'val'" in tiny["no_val"] and "{'train': 24, 'val': 0}" in tiny["no_val"]


def test_a_step_is_traced_once_in_each_phase(tiny):
    assert tiny["traced"] == 2


def test_a_diverging_training_is_an_error(tiny):
    assert "Lower the learning rate" in tiny["diverged"]


def test_no_epoch_is_an_error(tiny):
    assert "must be at least 1. Received: 0" in tiny["no_epoch"]


@pytest.mark.parametrize(
    ("at_steps", "precision"),
    [
        ((23,), "float32"),
        pytest.param((8, 23), "float32", marks=pytest.mark.slow),
        pytest.param((23,), "mixed_bfloat16", marks=pytest.mark.slow),
        pytest.param((8, 23), "mixed_float16", marks=pytest.mark.slow),
    ],
)
def test_kill_9_changes_nothing(tiny, child, cache_folder, tmp_path, at_steps, precision):
    out = tmp_path / "out"
    for steps in at_steps:  # in the second epoch of a phase
        killed = child("child_pictures", cache_folder, out, steps, precision, check=False)
        assert killed.returncode == -9
        assert not (out / "classifier.keras").exists()

    # In a process of its own, so that nothing depends on the hash seed.
    resumed = json.loads(
        child("child_pictures", cache_folder, out, 0, precision, fresh=True).stdout
    )
    expected = tiny
    if precision != "float32":
        whole = child("child_pictures", cache_folder, tmp_path / "whole" / "out", 0, precision)
        expected = json.loads(whole.stdout)
    assert resumed["history"] == expected["history"]
    assert resumed["digest"] == expected["digest"]
    command = [sys.executable, READ_EVENTS, tmp_path / "logs"]
    log = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    for column, tag in enumerate(("loss/train", "accuracy/train", "loss/val", "accuracy/val"), 1):
        told = [[number, row[column]] for number, row in enumerate(expected["history"], 1)]
        assert log[tag] == pytest.approx(np.array(told), rel=1e-6)
    assert [step for step, _ in log["learning_rate"]] == list(range(1, 7))
