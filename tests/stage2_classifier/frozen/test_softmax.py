"""Compared with scikit-learn's solver of the same objective."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pose_activity.stage2_classifier.frozen import softmax


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 4, 200)
    centres = rng.normal(size=(4, 30))
    return (centres[ids] + rng.normal(size=(200, 30))).astype(np.float32), ids


@pytest.mark.parametrize("C", [1e-3, 0.1, 10.0])
def test_it_finds_what_scikit_learn_finds(drawn, C: float) -> None:
    vectors, ids = drawn
    weights = np.random.default_rng(1).uniform(0.2, 2, len(ids))
    theirs = LogisticRegression(C=C, tol=1e-8, max_iter=5000)
    theirs.fit(vectors.astype(float), ids, sample_weight=weights)
    found = softmax.fit(vectors, ids, classes=4, C=C, weights=weights, tolerance=1e-9)
    np.testing.assert_allclose(
        softmax.probabilities(vectors, found), theirs.predict_proba(vectors), atol=2e-3
    )


def test_a_start_nearby_leads_to_the_same_place(drawn) -> None:
    vectors, ids = drawn
    near = softmax.fit(vectors, ids, classes=4, C=0.03)
    fresh, warm = (softmax.fit(vectors, ids, classes=4, C=0.1, start=s) for s in (None, near))
    np.testing.assert_allclose(fresh[0], warm[0], atol=5e-3)


def test_a_class_without_pictures_is_improbable(drawn) -> None:
    vectors, ids = drawn
    found = softmax.fit(vectors, ids, classes=6, C=1.0)
    assert softmax.probabilities(vectors, found)[:, 4:].max() < 0.05
