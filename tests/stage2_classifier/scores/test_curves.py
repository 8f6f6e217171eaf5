"""Curves by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from pose_activity.stage2_classifier.scores.curves import coverage_curve, precision_recall_curves


def test_coverage_by_hand() -> None:
    sure = np.array([0.6, 0.9, 0.7, 0.7])
    probabilities = np.stack([sure, 1 - sure], axis=1)
    coverage, accuracy = coverage_curve(probabilities, np.array([1, 0, 0, 1]))
    assert coverage.tolist() == [0.25, 0.75, 1.0]  # equally sure ones come together
    assert accuracy.tolist() == pytest.approx([1.0, 2 / 3, 0.5])


def test_precision_is_the_best_at_that_recall_or_above() -> None:
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(8, size=200), rng.random((200, 8)).round(2)
    found = precision_recall_curves(probabilities, labels)
    assert [*found] == [
        "mean over classes",
        "best quarter of the classes",
        "worst quarter of the classes",
    ]
    recalls, mean = found["mean over classes"]
    expected = []
    for i in range(8):
        precision, recall, _ = precision_recall_curve(labels == i, probabilities[:, i])
        expected.append([precision[:-1][recall[:-1] >= r - 1e-9].max() for r in recalls])
    np.testing.assert_allclose(mean, np.mean(expected, axis=0))
    best, worst = (found[f"{name} quarter of the classes"][1] for name in ("best", "worst"))
    assert best.mean() > mean.mean() > worst.mean()
    assert [*precision_recall_curves(probabilities[:, :4], labels % 4)] == ["mean over classes"]
