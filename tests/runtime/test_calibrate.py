"""Temperature scaling, its measure and the threshold, against slow truths and scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier.predict_sequences import by_clip


def draw(images: int, scale: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from softmax(z), and the probabilities softmax(scale z)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (images, 5))
    true = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(5, p=row) for row in true])
    powers = np.exp(scale * logits)
    return (powers / powers.sum(1, keepdims=True)).astype(np.float32), labels


def loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_finds_the_temperature_that_spoilt_the_probabilities(scale):
    probabilities, labels = draw(5000, scale)
    assert calibrate.temperature(probabilities, labels) == pytest.approx(scale, rel=0.06)


def test_no_other_temperature_is_likelier():
    probabilities, labels = draw(300, 2.0)
    best = calibrate.temperature(probabilities, labels)
    losses = {t: loss(calibrate.apply(probabilities, t), labels) for t in np.linspace(0.3, 6, 200)}
    assert loss(calibrate.apply(probabilities, best), labels) <= min(losses.values()) + 1e-7


@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        (np.zeros((0, 3), np.float32), np.zeros(0, int)),
        (np.array([[0.8, 0.2], [0.3, 0.7]], np.float32), np.array([0, 1])),
        (np.array([[0.8, 0.2], [0.3, 0.7]], np.float32), np.array([1, 0])),
        (np.array([[1, 0], [0, 1]], np.float32), np.array([0, 1])),
    ],
    ids=["no images", "all right", "all wrong", "certain"],
)
def test_where_no_temperature_is_best_it_is_one(probabilities, labels):
    assert calibrate.temperature(probabilities, labels) == 1.0


def test_apply_by_hand_and_back():
    probabilities = np.array([[0.8, 0.2]], np.float32)
    np.testing.assert_allclose(calibrate.apply(probabilities, 2.0), [[2 / 3, 1 / 3]], rtol=1e-6)
    there = calibrate.apply(probabilities, 2.0)
    np.testing.assert_allclose(calibrate.apply(there, 0.5), probabilities, rtol=1e-5)
    assert there.dtype == np.float32
    assert calibrate.apply(probabilities, 1.0) is probabilities
    assert np.isfinite(calibrate.apply(np.array([[1, 0]], np.float32), 20.0)).all()


def slow_error(probabilities, labels, bins):
    total = 0.0
    for part in range(bins):
        inside = []
        for row, label in zip(probabilities, labels, strict=True):
            sure = float(row.max())
            if part / bins < sure <= (part + 1) / bins:
                inside.append((sure, row.argmax() == label))
        if inside:
            sure, right = np.mean(inside, axis=0)
            total += len(inside) / len(labels) * abs(sure - right)
    return total


@pytest.mark.parametrize("bins", [10, 15])
def test_expected_error_equals_a_slow_loop_and_scikit_learn(bins):
    probabilities, labels = draw(400, 3.0)
    error = calibrate.expected_error(probabilities, labels, bins=bins)
    assert error == pytest.approx(slow_error(probabilities, labels, bins))
    sure, right = probabilities.max(1), probabilities.argmax(1) == labels
    shares, means = calibration_curve(right, sure, n_bins=bins)
    counts = np.histogram(sure, bins, (0, 1))[0]
    gaps = np.abs(np.asarray(shares) - np.asarray(means)) * counts[counts > 0]
    assert error == pytest.approx(gaps.sum() / len(labels))


def test_scaling_lowers_the_error_on_other_images():
    probabilities, labels = draw(2000, 3.0)
    others, truth = draw(2000, 3.0, seed=1)
    scaled = calibrate.apply(others, calibrate.temperature(probabilities, labels))
    before = calibrate.expected_error(others, truth)
    assert calibrate.expected_error(scaled, truth) < before / 4


def answers(*pairs):
    rows = np.array([[sure, 1 - sure] for sure, _ in pairs], np.float32)
    return rows, np.array([0 if right else 1 for _, right in pairs])


def test_threshold_by_hand():
    case = answers((0.95, True), (0.9, True), (0.8, False), (0.7, True), (0.6, False))
    found = calibrate.threshold(*case, precision=0.75, min_coverage=0.5)
    assert found is not None
    assert found.probability == pytest.approx(0.65)
    assert (found.coverage, found.precision) == (0.8, 0.75)


def test_equal_probabilities_are_not_parted():
    case = answers((0.9, True), (0.9, False), (0.6, False))
    assert calibrate.threshold(*case, precision=0.9, min_coverage=0) is None


@pytest.mark.parametrize(
    ("min_coverage", "expected"),
    [(0.0, (0.4, 1.0)), (0.5, (0.6, 2 / 3)), (0.8, (0.8, 0.75)), (1.0, (1.0, 0.6))],
)
def test_coverage_comes_before_precision(min_coverage, expected):
    case = answers((0.95, True), (0.9, True), (0.8, False), (0.7, True), (0.6, False))
    found = calibrate.threshold(*case, precision=0.9, min_coverage=min_coverage)
    assert found is not None
    assert (found.coverage, found.precision) == pytest.approx(expected)
    sure = case[0].max(1)
    assert (sure >= found.probability).mean() == pytest.approx(found.coverage)


def test_threshold_where_everything_and_nothing_will_do():
    found = calibrate.threshold(*answers((0.9, True), (0.6, True)), precision=0.9, min_coverage=0.8)
    assert found == calibrate.Threshold(0.0, 1.0, 1.0)
    case = answers((0.9, False))
    assert calibrate.threshold(*case, precision=0.9, min_coverage=0) is None
    usual = {"precision": 0.9, "min_coverage": 0.8}
    assert calibrate.threshold(*case, **usual) == calibrate.Threshold(0.0, 1.0, 0.0)
    assert calibrate.threshold(np.zeros((0, 2), np.float32), np.zeros(0, int), **usual) is None


def clips(count: int, windows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clips whose windows share a hint and tremble each for itself, `(N, W, 5)`; and their ids."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(5, size=count)
    logits = rng.normal(0, 1.2, (count, 1, 5)) + rng.normal(0, 2.5, (count, windows, 5))
    logits[np.arange(count), :, labels] += 2.6
    powers = np.exp(logits - logits.max(2, keepdims=True))
    return (powers / powers.sum(2, keepdims=True)).astype(np.float32), labels


def test_what_is_fitted_on_means_over_windows_holds_for_other_means() -> None:
    """Precision and coverage on clips that nobody fitted on, counted; windows' fit is useless."""
    windows, labels = clips(600, 12, seed=0)
    of_windows = calibrate.fit(
        windows.reshape(-1, 5), labels.repeat(12), precision=0.9, min_coverage=0
    )
    means = together(windows, of_windows)
    of_clips = calibrate.fit(means, labels, precision=0.9, min_coverage=0)
    others, truth = clips(20_000, 12, seed=1)
    means = together(others, of_windows)
    right, scaled = means.argmax(1) == truth, calibrate.apply(means, of_clips.temperature)

    def given(below: float | None, sure: np.ndarray) -> tuple[float, float]:
        kept = sure.max(1) >= (np.inf if below is None else below)
        return float(kept.mean()), float(right[kept].mean())

    coverage, precision = given(of_clips.unknown_below, scaled)
    assert precision == pytest.approx(0.9, abs=0.03)
    order = np.argsort(-means.max(1))
    good = np.flatnonzero(np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= 0.9)
    best = (good[-1] + 1) / len(order)  # the most that any threshold can give
    assert coverage == pytest.approx(best, abs=0.08)
    assert of_windows.unknown_below is not None
    assert (means.max(1) >= of_windows.unknown_below).mean() < best / 3
    error = calibrate.expected_error(scaled, truth)
    assert error < 0.05 < calibrate.expected_error(means, truth)
    assert (of_windows.fitted_on, of_clips.fitted_on) == (7200, 600)


def together(windows: np.ndarray, fitted: calibrate.Calibration) -> np.ndarray:
    """Returns `(N, 5)`, what the windows `(N, W, 5)`, calibrated, say together."""
    rows = calibrate.apply(windows.reshape(-1, 5), fitted.temperature)
    names = np.arange(len(windows)).repeat(windows.shape[1]).tolist()
    return np.stack([*by_clip(rows, names).values()])


def test_nothing_to_fit_on() -> None:
    found = calibrate.fit(
        np.zeros((0, 3), np.float32), np.zeros(0, int), precision=0.9, min_coverage=0.8
    )
    assert found == calibrate.Calibration(1.0, None, None, 0)
    with pytest.raises(ValueError, match="temperature must be positive. Received: 0"):
        calibrate.Calibration(0)
