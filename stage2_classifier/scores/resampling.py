"""How sure a score is: figures of weighted answers, and their bootstrap intervals.

In come `(N, C)` probabilities, `(N,)` class ids and which answers belong together, out come plain
numbers. Whole clusters are drawn (all pictures of a scene, all people in a picture, all clips of
a person), since answers about one scene are right or wrong together. Knows no model and no files.

An interval holds the middle 95 % of the resamples, moved so that their mean is the figure itself:
of a resample the calibration error and the mean average precision are biased, because it holds
some answers several times. Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import binomtest

from pose_activity.runtime import calibrate

COVERAGE = 0.8  # share of the answers, the most confident ones, of `accuracy_at_coverage`
LEVEL = 0.95
_RESAMPLES = 1000
_TOGETHER = 100  # resamples at once: what has to be held
_MOST_RANKED = 1e9  # resamples x answers x classes that are ranked for the mean average precision

Interval = tuple[float, float]


def figures(probabilities: np.ndarray, labels: np.ndarray, *, with_ranks: bool = True) -> "Figures":
    """Prepares the figures of `(N, C)` probabilities and `(N,)` class ids, N >= 1.

    Args:
        probabilities: In each row the first of equal ones is the answer.
        labels: What is true.
        with_ranks: Whether `macro_average_precision` is one of them.
    """
    guesses, classes = probabilities.argmax(1), probabilities.shape[1]
    right = guesses == labels
    parts, gaps = calibrate.confidence_gaps(probabilities, labels)
    sure = np.unique(-probabilities.max(1), return_inverse=True)[1].ravel()
    ranks = [_Ranks.of(probabilities[:, i], labels == i) for i in np.unique(labels) if with_ranks]
    return Figures(
        true=_indicator(labels, classes),
        guessed=_indicator(guesses, classes),
        hits=_indicator(labels, classes, right),
        gaps=_indicator(parts, int(parts.max()) + 1, gaps),
        by_confidence=_indicator(sure, int(sure.max()) + 1),
        right_by_confidence=_indicator(sure, int(sure.max()) + 1, right),
        ranks=ranks,
    )


@dataclass(frozen=True, eq=False)
class Figures:
    """Called with weights of the answers `(B, N)`, returns each figure `(B,)` by its name.

    With weights of 1 they are those of `evaluate`.
    """

    true: csr_array
    guessed: csr_array
    hits: csr_array
    gaps: csr_array
    by_confidence: csr_array
    right_by_confidence: csr_array
    ranks: "list[_Ranks]"

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Returns name -> `(B,)` float64; see `evaluate.Report` for what they are."""
        total = weights.sum(1)
        true, guessed, hits = (weights @ part for part in (self.true, self.guessed, self.hits))
        precision, recall = _share(hits, guessed), _share(hits, true)
        f1 = _share(2 * hits, true + guessed)
        occurs = (true + guessed) > 0
        found = {
            "accuracy": hits.sum(1) / total,
            "weighted_precision": (precision * true).sum(1) / total,
            "weighted_recall": (recall * true).sum(1) / total,
            "macro_f1": f1.sum(1) / occurs.sum(1),
            "accuracy_at_coverage": self._at_coverage(weights, total),
            "ece": np.abs(weights @ self.gaps).sum(1) / total,
        }
        if self.ranks:
            each = np.stack([ranks.average_precision(weights) for ranks in self.ranks], axis=1)
            found["macro_average_precision"] = np.nanmean(each, axis=1)
        return found

    def _at_coverage(self, weights: np.ndarray, total: np.ndarray) -> np.ndarray:
        """Returns the accuracy of the surest answers; of equally sure ones a part may count."""
        counts = weights @ self.by_confidence
        wanted = COVERAGE * total[:, None]
        taken = np.clip(wanted - (counts.cumsum(1) - counts), 0, counts)
        return (_share(taken, counts) * (weights @ self.right_by_confidence)).sum(1) / wanted[:, 0]


@dataclass(frozen=True, eq=False)
class _Ranks:
    """The answers in the order of one class's probability.

    Attributes:
        order: `(N,)` int, the most probable first.
        positive: Places in that order of the P answers whose class it is.
        ends: `(P,)` int: the last place of an equal probability, for each of them.
        mask: `(N,)` float32, 1 at `positive`.
    """

    order: np.ndarray
    positive: np.ndarray
    ends: np.ndarray
    mask: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, positive: np.ndarray) -> "_Ranks":
        order = np.argsort(-scores)
        ranked = scores[order]
        places = np.flatnonzero(positive[order])
        ends = np.searchsorted(-ranked, -ranked[places], side="right") - 1
        return cls(order, places, ends, positive[order].astype(np.float32))

    def average_precision(self, weights: np.ndarray) -> np.ndarray:
        """Returns `(B,)`, NaN where no answer of the class has a weight."""
        ranked = weights[:, self.order]
        found = (ranked * self.mask).cumsum(1)[:, self.ends]
        among = ranked.cumsum(1)[:, self.ends]
        own = ranked[:, self.positive]
        total = own.sum(1)
        sums = (own * _share(found, among)).sum(1)
        return np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0)


def average_precisions(probabilities: np.ndarray, labels: np.ndarray) -> dict[int, float]:
    """Returns the average precision of each class that occurs, by its id.

    It is the area below the class's precision-recall curve, without interpolation, as in
    scikit-learn; the mean over classes is the mean average precision (mAP).
    """
    once = np.ones((1, len(labels)))
    return {
        int(i): float(_Ranks.of(probabilities[:, i], labels == i).average_precision(once)[0])
        for i in np.unique(labels)
    }


def bootstrap(
    probabilities: np.ndarray,
    labels: np.ndarray,
    *,
    clusters: np.ndarray,
    seed: int = 0,
    resamples: int = _RESAMPLES,
) -> dict[str, Interval]:
    """Returns 95 % intervals of the figures.

    A figure that is the same in every resample has none, but for the accuracy: where all answers
    are right (or wrong) it has Wilson's interval of so many clusters. With one cluster there are no
    intervals; that of the mean average precision is left out where it would take minutes.

    Args:
        probabilities: `(N, C)`, N >= 1.
        labels: `(N,)` class ids.
        clusters: `(N,)` int: answers of the same number are drawn together.
        seed: Of the drawing.
        resamples: How many are drawn.
    """
    together = np.unique(clusters, return_inverse=True)[1].ravel()
    count = int(together.max()) + 1
    if count < 2:
        return {}
    measure = figures(
        probabilities, labels, with_ranks=resamples * probabilities.size <= _MOST_RANKED
    )
    values = {name: float(v[0]) for name, v in measure(np.ones((1, len(labels)))).items()}
    drawn = [measure(weights) for weights in _weights(together, seed, resamples)]
    found = {}
    for name, value in values.items():
        samples = np.concatenate([each[name] for each in drawn])
        if np.ptp(samples) > 0:
            found[name] = centred_interval(value, samples, (0.0, 1.0))
    if "accuracy" not in found:
        found["accuracy"] = wilson(round(values["accuracy"] * count), count)
    return found


def _weights(clusters: np.ndarray, seed: int, resamples: int) -> Iterator[np.ndarray]:
    """Yields `(B, N)` float32: how often each answer was drawn."""
    rng, count = np.random.default_rng(seed), int(clusters.max()) + 1
    for start in range(0, resamples, _TOGETHER):
        rows = min(_TOGETHER, resamples - start)
        counts = rng.multinomial(count, np.full(count, 1 / count), size=rows)
        yield counts.astype(np.float32)[:, clusters]


def centred_interval(value: float, samples: np.ndarray, bounds: Interval) -> Interval:
    """Returns the middle 95 % of resampled figures, moved to `value` and kept within bounds."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(samples - samples.mean(), (tail, 1 - tail)) + value
    return max(bounds[0], float(low)), min(bounds[1], float(high))


def paired_difference(
    first: np.ndarray,
    second: np.ndarray,
    *,
    clusters: np.ndarray,
    seed: int = 0,
    resamples: int = 10_000,
) -> tuple[float, Interval]:
    """Returns mean(first) - mean(second) of the same answers, with its 95 % interval.

    Both are drawn together: what is hard for both tells nothing of their difference.

    Args:
        first: `(N,)` float, N >= 1, such as 1 where one classifier is right and 0 where not.
        second: `(N,)`, likewise of another one.
        clusters: `(N,)` int: answers of the same number are drawn together.
        seed: Of the drawing.
        resamples: How many are drawn.
    """
    together = np.unique(clusters, return_inverse=True)[1].ravel()
    sums = np.bincount(together, weights=first - second)
    sizes = np.bincount(together)
    value, rng, drawn = float(sums.sum() / len(first)), np.random.default_rng(seed), []
    for _ in range(0, resamples, _TOGETHER):
        counts = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=_TOGETHER)
        drawn.append((counts @ sums) / (counts @ sizes))
    return value, centred_interval(value, np.concatenate(drawn), (-1.0, 1.0))


def wilson(right: int, n: int) -> Interval:
    """Returns Wilson's 95 % interval of a share of n independent answers. Source: scipy."""
    found = binomtest(right, n).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def _indicator(places: np.ndarray, size: int, values: np.ndarray | None = None) -> csr_array:
    """Returns `(N, size)` with one value a row, 1 where none are given."""
    n = len(places)
    filled = np.ones(n) if values is None else values.astype(float)
    return csr_array((filled, (np.arange(n), places)), shape=(n, size))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)
