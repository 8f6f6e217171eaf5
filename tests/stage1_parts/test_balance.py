"""What rare classes weigh: chosen by mean IoU of what it was fitted on."""

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from pose_activity.stage1_parts.balance import POWERS, fit_weights


def unsure(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns calibrated probabilities of a frequent and a rare class, and labels drawn by them."""
    rare = rng.beta(0.3, 4, 20000)
    return np.column_stack([1 - rare, rare]), (rng.random(20000) < rare).astype(int)


def test_they_are_the_best_power_of_how_rare_a_class_is() -> None:
    probabilities, labels = unsure(np.random.default_rng(0))
    counts = np.bincount(labels)
    scores = {
        power: jaccard_score(
            labels, (probabilities * (counts.max() / counts) ** power).argmax(1), average="macro"
        )
        for power in POWERS
    }
    best = max(scores, key=lambda power: scores[power])
    assert 0 < best and scores[best] > scores[0] + 0.01
    assert fit_weights(probabilities, labels) == pytest.approx((counts.max() / counts) ** best)


def test_sure_answers_and_classes_that_do_not_occur_weigh_one() -> None:
    labels = np.repeat([0, 1], [900, 100])
    assert fit_weights(np.eye(3)[labels], labels).tolist() == [1, 1, 1]
