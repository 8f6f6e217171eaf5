"""`evaluate` against scikit-learn."""

import json
import warnings
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from pose_activity.stage2_classifier.scores.evaluate import (
    Report,
    evaluate,
    with_intervals,
    with_unknown,
)

KEYS = (
    "split n accuracy top3_accuracy weighted_precision weighted_recall micro_precision "
    "micro_recall macro_precision macro_recall macro_f1 per_class confusion ece ece_uncalibrated "
    "macro_average_precision accuracy_at_coverage unknown_below answer_coverage answer_precision "
    "inputs clusters intervals"
).split()


def _draw(classes: int, images: int, *, labels_from=None, never=()):
    rng = np.random.default_rng(classes * 1000 + images)
    labels = rng.choice(labels_from if labels_from is not None else classes, images)
    probabilities = rng.random((images, classes))
    probabilities[np.arange(images), labels] += 0.3
    probabilities[:, list(never)] = 0
    return probabilities / probabilities.sum(1, keepdims=True), labels


CASES = {
    "20 classes": _draw(20, 500),
    "two classes": _draw(2, 30),
    "class never predicted": _draw(5, 80, never=[2]),
    "class absent from the labels": _draw(5, 80, labels_from=[0, 1, 3, 4]),
    "class absent and never predicted": _draw(5, 80, labels_from=[0, 1, 3, 4], never=[2]),
    "one image": _draw(4, 1),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_scikit_learn(case):
    probabilities, labels = CASES[case]
    names = [f"c{i}" for i in range(probabilities.shape[1])]
    report = evaluate(probabilities, labels, classes=names, split="test")
    guesses = probabilities.argmax(1)

    assert report.accuracy == pytest.approx(metrics.accuracy_score(labels, guesses))
    for average in ("weighted", "micro", "macro"):
        p, r, f1, _ = metrics.precision_recall_fscore_support(
            labels,
            guesses,
            average=average,
            zero_division=0,  # type: ignore[arg-type]
        )
        assert getattr(report, f"{average}_precision") == pytest.approx(p)
        assert getattr(report, f"{average}_recall") == pytest.approx(r)
        if average == "macro":
            assert report.macro_f1 == pytest.approx(f1)
    every = list(range(len(names)))
    each: Any = metrics.precision_recall_fscore_support(
        labels,
        guesses,
        labels=every,
        zero_division=0,  # type: ignore[arg-type]
    )
    ours = [
        [row[k] for row in report.per_class.values()]
        for k in ("precision", "recall", "f1", "support")
    ]
    np.testing.assert_allclose(ours, each)
    expected = metrics.confusion_matrix(labels, guesses, labels=every)
    counted = [[report.confusion.get(a, {}).get(b, 0) for b in names] for a in names]
    np.testing.assert_array_equal(counted, expected)
    assert sum(map(len, report.confusion.values())) == np.count_nonzero(expected)


@pytest.mark.parametrize("case", ["20 classes", "class absent from the labels"])
def test_top3_equals_scikit_learn(case):
    probabilities, labels = CASES[case]
    every = list(range(probabilities.shape[1]))
    report = evaluate(probabilities, labels, classes=[str(i) for i in every], split="val")
    expected = metrics.top_k_accuracy_score(labels, probabilities, k=3, labels=every)
    assert report.top3_accuracy == pytest.approx(expected)


@pytest.mark.parametrize("case", [*CASES, "ties"])
def test_average_precision_equals_scikit_learn(case):
    probabilities, labels = CASES.get(case) or (
        CASES["20 classes"][0].round(1),
        np.arange(500) % 20,
    )
    names = [f"c{i}" for i in range(probabilities.shape[1])]
    report = evaluate(probabilities, labels, classes=names, split="test")
    areas = [
        metrics.average_precision_score(labels == i, probabilities[:, i]) for i in np.unique(labels)
    ]
    ours = [report.per_class[f"c{i}"]["average_precision"] for i in np.unique(labels)]
    np.testing.assert_allclose(ours, areas, rtol=1e-5)
    assert report.macro_average_precision == pytest.approx(np.mean(areas), rel=1e-5)


def test_accuracy_of_the_surest_by_hand():
    sure = np.array([0.9, 0.8, 0.7, 0.6, 0.55])
    probabilities = np.stack([sure, 1 - sure], axis=1)
    report = evaluate(probabilities, np.array([0, 0, 1, 0, 1]), classes=["a", "b"], split="test")
    assert report.accuracy_at_coverage == pytest.approx(3 / 4)
    ties = np.array([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.6, 0.4], [0.6, 0.4]])
    report = evaluate(ties, np.array([0, 0, 0, 1, 1]), classes=["a", "b"], split="test")
    # 1 + 3 of the 4 that are equally sure, of whom half is right.
    assert report.accuracy_at_coverage == pytest.approx((1 + 1.5) / 4)


def test_what_becomes_of_the_answers_where_some_are_unknown():
    sure = np.array([0.9, 0.8, 0.7, 0.6])
    probabilities, labels = np.stack([sure, 1 - sure], axis=1), np.array([0, 1, 0, 1])
    report = evaluate(probabilities, labels, classes=["a", "b"], split="test")
    found = with_unknown(report, probabilities, labels, below=0.65)
    assert (found.unknown_below, found.answer_coverage) == (0.65, 0.75)
    assert found.answer_precision == pytest.approx(2 / 3)
    for below in (None, 0.0, 0.95):
        assert with_unknown(report, probabilities, labels, below=below) == report


def test_top3_of_two_classes_is_everything():
    assert evaluate(*CASES["two classes"], classes=["a", "b"], split="val").top3_accuracy == 1


def test_by_hand():
    probabilities = np.array([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9], [0.5, 0.5]])
    report = evaluate(probabilities, np.array([0, 1, 1, 1]), classes=["a", "b"], split="test")
    # The tie of the last picture goes to the first class.
    assert report.confusion == {"a": {"a": 1}, "b": {"a": 2, "b": 1}}
    assert report.per_class["a"] == pytest.approx(
        {"precision": 1 / 3, "recall": 1, "f1": 0.5, "support": 1, "average_precision": 1}
    )


def test_keys_and_json_both_ways():
    probabilities, labels = CASES["20 classes"]
    names = [f"c{i}" for i in range(20)]
    report = evaluate(probabilities, labels, classes=names, split="test")
    report = with_intervals(report, probabilities, labels, clusters=np.arange(500) // 2)
    assert report.clusters == 250 and report.intervals
    assert list(asdict(report)) == KEYS
    assert Report.from_json(json.loads(json.dumps(report.as_json()))) == report


def test_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate(*CASES["class absent and never predicted"], classes=list("abcde"), split="test")


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.zeros((0, 2)), np.zeros(0, int), "N >= 1"),
        (np.ones((3, 3)), np.zeros(3, int), r"must be \(N, 2\).*\(3, 3\)"),
        (np.ones((3, 2)), np.zeros(2, int), r"must be \(N, 2\)"),
        (np.ones((2, 2)), np.array([0, 2]), r"class ids in 0\.\.1\. Received: 0\.\.2"),
        (np.full((2, 2), np.nan), np.array([0, 1]), "finite"),
    ],
)
def test_wrong_input_is_refused(probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        evaluate(probabilities, labels, classes=["a", "b"], split="test")
