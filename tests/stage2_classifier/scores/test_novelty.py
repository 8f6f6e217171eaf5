"""AUROC and FPR95 against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from pose_activity.stage2_classifier.scores.novelty import Novelty, measure


@pytest.mark.parametrize("decimals", [1, 8], ids=["many ties", "no ties"])
@pytest.mark.parametrize("sizes", [(200, 80), (7, 400), (1, 1)])
def test_equals_scikit_learn(decimals: int, sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    known, unknown = rng.beta(5, 2, sizes[0]).round(decimals), rng.random(sizes[1]).round(decimals)
    truth, scores = np.repeat([1, 0], sizes), np.concatenate([known, unknown])
    rates = np.stack(roc_curve(truth, scores, drop_intermediate=False)[:2])
    found = measure(known, unknown)
    assert found.auroc == pytest.approx(roc_auc_score(truth, scores))
    assert found.fpr95 == pytest.approx(rates[0][rates[1] >= 0.95 - 1e-9].min())
    assert (found.known, found.unknown) == sizes


def test_by_hand() -> None:
    assert measure(np.array([0.9, 0.8]), np.array([0.1, 0.85])) == Novelty(0.75, 0.5, 2, 2)
    with pytest.raises(ValueError, match=r"unknown must be finite confidences.*\(0,\)"):
        measure(np.array([0.9]), np.zeros(0))
