"""The learning curve of a nearest-mean classifier, and who is drawn for it."""

import numpy as np
import pytest

from pose_activity.stage2_classifier.scores.learning_curve import (
    Point,
    gain_of_doubling,
    learning_curve,
)


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    means = np.random.default_rng(9).normal(0, 1, (3, 40))
    return means[labels] + rng.normal(0, 4, (n, 40)), labels


def nearest_mean(vectors, labels):
    means = np.stack([vectors[labels == i].mean(0) for i in range(3)])
    return lambda asked: -np.linalg.norm(asked[:, None] - means, axis=2)


def test_more_examples_help_until_they_do_not() -> None:
    (vectors, labels), (others, truth) = draw(600, 0), draw(900, 1)
    given = {"held_out": others, "held_out_labels": truth, "fit": nearest_mean}
    points = learning_curve(vectors, labels, **given)
    assert [point.n for point in points] == [60, 120, 240, 420, 600]
    assert points[0].accuracy < points[2].accuracy < points[-1].accuracy
    assert all(point.low <= point.accuracy <= point.high for point in points)
    assert points == learning_curve(vectors, labels, **given)
    whole = nearest_mean(vectors, labels)(others).argmax(1)
    assert points[-1].accuracy == (whole == truth).mean()


def test_whole_groups_of_every_class_are_drawn() -> None:
    labels = np.repeat(np.arange(3), 20)
    groups = np.arange(60) // 4
    seen: list[np.ndarray] = []

    def fit(vectors, given):
        rows = vectors[:, 0].astype(int)
        assert {*given} == {0, 1, 2}
        for group in {*groups[rows]}:
            assert (groups[rows] == group).sum() == 4
        seen.append(rows)
        return lambda asked: np.eye(3)[asked[:, 0].astype(int) // 20]

    rows = np.arange(60)[:, None]
    points = learning_curve(
        rows, labels, held_out=rows, held_out_labels=labels, fit=fit, groups=groups, repeats=2
    )
    assert [point.n for point in points] == [12, 12, 24, 36, 60]
    assert points[-1].accuracy == 1 and len(seen) == 9
    smaller = [*map(set, seen[0::2][:4])]
    assert all(a <= b for a, b in zip(smaller, smaller[1:], strict=False))


def test_what_twice_as_many_bring() -> None:
    points = [Point(n, 0.5 + 0.03 * np.log2(n), 0, 1) for n in (10, 20, 40, 80)]
    assert gain_of_doubling(points) == pytest.approx(0.03)
    assert gain_of_doubling(points[:1]) is None
