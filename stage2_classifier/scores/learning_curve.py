"""Would more examples help? The accuracy of classifiers that learned from a part of them.

In come vectors and labels, and how a classifier is fitted; out come plain numbers. Knows no
pictures, no models and no files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from pose_activity.artifacts.ordered import in_order

SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)

Fit = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class Point:
    """The accuracy after training on a part of the examples.

    Attributes:
        n: Number of examples that were learned from, on average.
        accuracy: Mean over the drawings.
        low: Least of them.
        high: Largest of them.
    """

    n: int
    accuracy: float
    low: float
    high: float


def learning_curve(
    vectors: np.ndarray,
    labels: np.ndarray,
    *,
    held_out: np.ndarray,
    held_out_labels: np.ndarray,
    fit: Fit,
    groups: np.ndarray | None = None,
    shares: Sequence[float] = SHARES,
    repeats: int = 3,
    seed: int = 0,
    threads: int = 1,
) -> list[Point]:
    """Fits a classifier on growing parts of the examples, and judges each on the held-out ones.

    A part is drawn for each class on its own, so that classes keep their proportions and none is
    lost; whole groups are drawn. The larger parts hold the smaller ones.

    Args:
        vectors: `(N, D)` to learn from.
        labels: `(N,)` class ids.
        held_out: `(M, D)`, M >= 1.
        held_out_labels: `(M,)` class ids.
        fit: Given vectors and class ids, returns what gives `(M, classes)` scores to vectors; the
            columns are all class ids.
        groups: `(N,)`: what is alike belongs to one group. None: each is its own.
        shares: Of the groups of each class, rising, in (0, 1].
        repeats: How many orders are drawn; the whole is learned from once.
        seed: Of the drawing.
        threads: Fits that are made side by side.

    Returns:
        A point for each share.
    """
    together = np.arange(len(labels)) if groups is None else groups
    orders = [_order(labels, together, seed + number) for number in range(repeats)]
    parts = [
        [np.flatnonzero(order <= share) for order in (orders if share < 1 else orders[:1])]
        for share in shares
    ]

    def judge(rows: np.ndarray) -> float:
        answers = fit(vectors[rows], labels[rows])(held_out).argmax(1)
        return float((answers == held_out_labels).mean())

    judged = in_order(judge, chain.from_iterable(parts), workers=threads)
    points = []
    for drawn in parts:
        found, size = [*islice(judged, len(drawn))], float(np.mean([*map(len, drawn)]))
        points.append(Point(round(size), float(np.mean(found)), min(found), max(found)))
    return points


def gain_of_doubling(points: Sequence[Point]) -> float | None:
    """Returns what twice as many examples brought last, by a line over the logarithm of n.

    The line goes through the last three points (least squares); None for fewer than two.
    """
    last = [point for point in points if point.n > 0][-3:]
    if len(last) < 2 or last[0].n == last[-1].n:
        return None
    doublings = np.log2([point.n for point in last])
    return float(np.polyfit(doublings, [point.accuracy for point in last], 1)[0])


def _order(labels: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Returns from which share on each example is learned from, `(N,)` in [0, 1].

    The first group of each class is always there.
    """
    rng, since = np.random.default_rng(seed), np.zeros(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        names, member = np.unique(groups[rows], return_inverse=True)
        places = rng.permutation(len(names)) / len(names)
        places = np.where(places > 0, places + 1 / len(names), 0)
        since[rows] = np.minimum(places, 1)[member]
    return since
