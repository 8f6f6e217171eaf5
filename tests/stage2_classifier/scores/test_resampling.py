"""Weighted figures against repeated answers and scikit-learn; intervals against scipy."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, f1_score, precision_score

from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier.scores.evaluate import evaluate
from pose_activity.stage2_classifier.scores.resampling import (
    bootstrap,
    figures,
    paired_difference,
    wilson,
)


def draw(n: int, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    probabilities = rng.random((n, classes)) ** 3
    probabilities[np.arange(n), labels] += 0.3
    return probabilities / probabilities.sum(1, keepdims=True), labels


def test_weights_are_as_good_as_copies() -> None:
    probabilities, labels = draw(60)
    times = np.random.default_rng(1).integers(0, 4, (3, 60))
    found = figures(probabilities, labels)(times.astype(np.float32))
    for row, counts in enumerate(times):
        many, truth = probabilities.repeat(counts, axis=0), labels.repeat(counts)
        guesses = many.argmax(1)
        areas = [average_precision_score(truth == i, many[:, i]) for i in np.unique(truth)]
        expected = {
            "accuracy": (guesses == truth).mean(),
            "weighted_precision": precision_score(
                truth,
                guesses,
                average="weighted",
                zero_division=0,  # type: ignore[arg-type]
            ),
            "macro_f1": f1_score(truth, guesses, average="macro"),
            "macro_average_precision": np.mean(areas),
            "ece": calibrate.expected_error(many, truth),
        }
        report = evaluate(many, truth, classes=list("abcd"), split="test")
        for name in ("weighted_recall", "accuracy_at_coverage"):
            expected[name] = getattr(report, name)
        for name, value in expected.items():
            assert found[name][row] == pytest.approx(value, rel=1e-5), name


def test_the_interval_is_scipys() -> None:
    probabilities, labels = draw(300)
    right = (probabilities.argmax(1) == labels).astype(float)
    ours = bootstrap(probabilities, labels, clusters=np.arange(300), resamples=4000)["accuracy"]
    theirs = stats.bootstrap(
        (right,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert ours == pytest.approx(theirs, abs=0.01)


def test_copies_of_answers_make_no_interval_smaller() -> None:
    """Every answer five times: only who knows that they belong together is not deceived."""
    probabilities, labels = draw(80)
    many, truth = probabilities.repeat(5, axis=0), labels.repeat(5)
    widths = {}
    for name, clusters in (("alone", np.arange(400)), ("together", np.arange(80).repeat(5))):
        low, high = bootstrap(many, truth, clusters=clusters)["accuracy"]
        widths[name] = high - low
    low, high = bootstrap(probabilities, labels, clusters=np.arange(80))["accuracy"]
    assert widths["together"] == pytest.approx(high - low, rel=0.15)
    assert widths["together"] > 1.8 * widths["alone"]


def test_about_95_of_100_intervals_hold_the_truth() -> None:
    truth = np.mean(
        [
            evaluate(*draw(400, seed=s), classes=list("abcd"), split="x").accuracy
            for s in range(1000, 1040)
        ]
    )
    held = 0
    for seed in range(100):
        answers = draw(100, seed=seed)
        low, high = bootstrap(*answers, clusters=np.arange(100), resamples=300)["accuracy"]
        held += low <= truth <= high
    assert 88 <= held <= 100


def test_the_paired_interval_is_scipys() -> None:
    rng = np.random.default_rng(0)
    first = (rng.random(200) < 0.8).astype(float)
    second = np.where(rng.random(200) < 0.1, 1 - first, first)
    value, ours = paired_difference(first, second, clusters=np.arange(200))
    theirs = stats.bootstrap(
        (first - second,), np.mean, n_resamples=9999, method="percentile", rng=rng
    ).confidence_interval
    assert value == pytest.approx(first.mean() - second.mean())
    assert ours == pytest.approx(theirs, abs=0.006)
    _, alone = paired_difference(first, rng.permutation(second), clusters=np.arange(200))
    assert alone[1] - alone[0] > 1.5 * (ours[1] - ours[0])
    copies = first.repeat(4), second.repeat(4)
    _, together = paired_difference(*copies, clusters=np.arange(200).repeat(4))
    assert together == pytest.approx(ours, abs=0.006)


def test_without_a_mistake_the_accuracy_has_wilsons_interval() -> None:
    found = bootstrap(np.eye(4).repeat(5, axis=0), np.arange(4).repeat(5), clusters=np.arange(20))
    assert found == {"accuracy": wilson(20, 20)}
    one = bootstrap(*draw(10), clusters=np.zeros(10, int))
    assert one == {}


def test_the_same_answers_have_the_same_intervals() -> None:
    answers = draw(50)
    assert bootstrap(*answers, clusters=np.arange(50)) == bootstrap(
        *answers, clusters=np.arange(50)
    )


@pytest.mark.parametrize(("right", "n"), [(0, 10), (7, 10), (104, 104), (227, 300)])
def test_the_interval_is_wilsons(right: int, n: int) -> None:
    """Against the formula. Source: Wilson, JASA 22 (1927)."""
    z, share = 1.959963984540054, right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    assert wilson(right, n) == pytest.approx((middle - half, middle + half))
