"""The sections about a classifier, against formulas and hand-made predictions."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pose_activity.learning.history import Epoch, History, Monitor
from pose_activity.stage2_classifier.scores.evaluate import evaluate
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.report_page import classifier, facts

CLASSES = ("reading", "riding", "walking")
WRONG_ONCE = np.array([[0.6, 0.3, 0.1], [0.9, 0.05, 0.05], [0.1, 0.2, 0.7]], np.float32)


def _predictions(probabilities: np.ndarray) -> Predictions:
    images = tuple(Path(f"{i}.jpg") for i in range(len(probabilities)))
    persons, labels = np.full(len(images), -1), np.arange(len(images))
    return Predictions("test", CLASSES, images, persons, labels, probabilities)


def test_reliability_by_hand() -> None:
    rows = classifier.reliability_rows(_predictions(WRONG_ONCE))
    expected = [(0.6, 1.0, 1), (0.7, 1.0, 1), (0.9, 0.0, 1)]
    assert [row[1:] for row in rows] == [row[1:] for row in expected]
    assert [row[0] for row in rows] == pytest.approx([row[0] for row in expected])


def test_calibration_before_and_after() -> None:
    scores = evaluate(WRONG_ONCE, np.arange(3), classes=CLASSES, split="test")
    scores = dataclasses.replace(scores, ece=0.1, ece_uncalibrated=0.3)
    assert [error for _, error in classifier.calibration_rows(scores)] == [0.1, 0.3]
    scores = dataclasses.replace(scores, ece_uncalibrated=None)
    assert [error for _, error in classifier.calibration_rows(scores)] == [0.1]


def test_similar_classes_stand_together_on_the_page() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    guesses = np.array([0, 2, 1, 1, 2, 0])
    scores = evaluate(np.eye(3)[guesses], labels, classes=["a", "b", "c"], split="test")
    found = classifier.confusion_matrix(scores)
    assert found.names in (["a", "c", "b"], ["c", "a", "b"])
    assert sorted(found.cells)[-1] == (2, 2, 2, 1.0)
    row = classifier.class_rows(scores)[0]
    assert row[:6] == ("a", 0.5, 0.5, 0.5, pytest.approx(5 / 12), 2)
    assert row[6:] == ("0.09 to 0.91", "0.09 to 0.91", ("c", 1))


def test_a_training_without_validation_kept_its_last_epoch() -> None:
    epochs = [Epoch(i, "train", 1e-3, {"loss": 1.0, "accuracy": 0.5}, 30.0) for i in range(2)]
    prose, charts = classifier.training_blocks(History(tuple(epochs)))
    assert isinstance(prose, facts.Prose) and isinstance(charts, facts.Charts)
    assert prose.text == (
        "2 epochs in 1.0 minutes. Kept: epoch 2, the last one: nothing was held out to choose by."
    )
    assert not any("validation" in svg for svg in charts.drawn)
    assert classifier.training_blocks(History()) == []


def test_a_training_shows_what_was_measured_and_what_chose_its_epoch() -> None:
    metrics = {"loss": 1.0, "macro_f1": 0.5, "val_loss": 1.25, "val_macro_f1": 0.375}
    monitor = Monitor("val_macro_f1", "highest")
    history = History((Epoch(0, "train", 1e-3, metrics, 30.0),), monitor=monitor)
    prose, charts = classifier.training_blocks(history)
    assert isinstance(prose, facts.Prose) and isinstance(charts, facts.Charts)
    assert prose.text.endswith(
        "with a validation loss of 1.250 and a validation macro F1 of 37.5 %. It was chosen by the "
        "validation macro F1."
    )
    assert ["Loss" in charts.drawn[0], "Macro F1" in charts.drawn[1]] == [True, True]
