"""Scores of joints, compared with scikit-learn's kernel ridge regression."""

from typing import Any

import numpy as np
from sklearn.kernel_ridge import KernelRidge

from pose_activity.stage2_classifier.frozen import joint_scores

D = 6


def draw(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ids = np.arange(count) % 3
    own = rng.normal(size=(count, D)) + np.random.default_rng(9).normal(0, 2, (3, D))[ids]
    turned = own * np.where(np.arange(D) % 2, 1, -1)
    there = np.ones((count, 1))
    return np.hstack([there, own, there, turned]).astype(np.float32), ids


def test_they_are_those_of_kernel_ridge_regression() -> None:
    rows, ids = draw(60)
    more, _ = draw(20, seed=1)
    scores = joint_scores.fit(rows, ids, classes=3)

    def alike(one: np.ndarray, other: np.ndarray) -> float:
        """Slow, and in other words: a picture beside another one, and beside its mirror image."""
        sides = [(one[start : start + D] - scores.mean) * scores.factor for start in (1, D + 2)]
        anchor = (other[1 : D + 1] - scores.mean) * scores.factor
        width = float(scores.width[0])
        return float(np.mean([np.exp(-width * ((side - anchor) ** 2).sum()) for side in sides]))

    options: dict[str, Any] = {"alpha": joint_scores.RIDGE, "kernel": alike}
    reference = KernelRidge(**options)
    targets = np.eye(3)[ids]
    reference.fit(rows, targets - targets.mean(0))
    np.testing.assert_allclose(scores(more), reference.predict(more), atol=1e-4)
    assert (scores(rows).argmax(1) == ids).mean() > 0.9


def test_a_mirror_image_scores_alike() -> None:
    rows, ids = draw(40)
    scores = joint_scores.fit(rows, ids, classes=3)
    turned = np.concatenate(np.split(rows, 2, axis=1)[::-1], axis=1)
    np.testing.assert_allclose(scores(turned), scores(rows), atol=1e-6)


def test_nobody_scores_nothing_and_teaches_nothing() -> None:
    rows, ids = draw(40)
    scores = joint_scores.fit(rows, ids, classes=3)
    nobody = np.zeros((10, scores.size), np.float32)
    assert not scores(nobody).any()
    both = joint_scores.fit(np.concatenate([rows, nobody]), np.append(ids, [0] * 10), classes=3)
    np.testing.assert_allclose(both(rows), scores(rows), atol=1e-6)
    alone = joint_scores.fit(nobody, np.zeros(10, int), classes=3)
    assert alone(rows).shape == (40, 3) and not alone(rows).any()


def test_of_many_pictures_some_are_anchors(monkeypatch) -> None:
    rows, ids = draw(300)
    whole = joint_scores.fit(rows, ids, classes=3)
    monkeypatch.setattr(joint_scores, "MOST_ANCHORS", 150)
    part = joint_scores.fit(rows, ids, classes=3)
    assert (len(whole.anchors), len(part.anchors)) == (300, 150)
    more, names = draw(90, seed=1)
    assert np.abs(part(more) - whole(more)).mean() < 0.1 * np.abs(whole(more)).mean()
    assert (part(more).argmax(1) == names).mean() > 0.8


def test_a_weight_multiplies_them() -> None:
    rows, ids = draw(30)
    scores = joint_scores.fit(rows, ids, classes=3)
    np.testing.assert_allclose(scores.times(2.5)(rows), 2.5 * scores(rows), rtol=1e-5)


def test_people_who_are_all_alike_but_for_rounding() -> None:
    rng = np.random.default_rng(0)
    rows = np.ones((60, 2 * (D + 1))) + rng.normal(0, 1e-5, (60, 2 * (D + 1)))
    rows[:, [0, D + 1]] = 1
    scores = joint_scores.fit(rows.astype(np.float32), np.arange(60) % 3, classes=3)
    assert np.abs(scores(rows.astype(np.float32))).max() < 0.01
