"""Compared with scikit-learn's discriminant of the same covariance."""

import numpy as np
from sklearn.covariance import EmpiricalCovariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from pose_activity.stage2_classifier.frozen import discriminant


class Ridged(EmpiricalCovariance):
    """A class's own covariance, and as much for every direction."""

    def __init__(self, ridge: float = 0.0) -> None:
        super().__init__()
        self.ridge = ridge

    def fit(self, X: np.ndarray, y: None = None) -> "Ridged":
        super().fit(X)
        self.covariance_ = self.covariance_ + self.ridge * np.eye(X.shape[1])
        return self


def draw(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 4, count)
    centres = rng.normal(size=(4, size))
    return (centres[ids] + rng.normal(size=(count, size))).astype(np.float32), ids


def test_it_finds_what_scikit_learn_finds() -> None:
    vectors, ids = draw(200, 30)
    means = np.stack([vectors[ids == i].mean(0) for i in range(4)])
    ridge = float(((vectors - means[ids]) ** 2).sum()) / 200**2
    theirs = LinearDiscriminantAnalysis("lsqr", covariance_estimator=Ridged(ridge))
    theirs.fit(vectors.astype(float), ids)
    kernel, bias = discriminant.fit(vectors, ids, classes=4)
    logits = theirs.decision_function(vectors)
    ours = vectors @ kernel + bias
    centred = [some - some.mean(1, keepdims=True) for some in (ours, logits)]
    np.testing.assert_allclose(*centred, atol=0.02)  # the classes' shares are smoothed


def test_twice_the_same_rows_at_half_the_weight_are_the_same() -> None:
    vectors, ids = draw(60, 20)
    once = discriminant.fit(vectors, ids, classes=4)
    weights = np.full(120, 0.5)
    twice = discriminant.fit(np.tile(vectors, (2, 1)), np.tile(ids, 2), classes=4, weights=weights)
    for one, other in zip(once, twice, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-3)


def test_an_absent_class_is_answered_rarely() -> None:
    vectors, ids = draw(60, 5)
    kernel, bias = discriminant.fit(vectors[ids < 3], ids[ids < 3], classes=4)
    assert np.isfinite(kernel).all() and np.isfinite(bias).all()
    assert ((vectors[ids < 3] @ kernel + bias).argmax(1) == 3).mean() < 0.2
