"""Fits a linear head on vectors: how strongly it is held back is chosen by inner folds.

Vectors and class ids in, a `LinearHead` out, with what heads like it answered on pictures that they
had not learned from. Knows nothing of pictures or graphs.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.stage2_classifier import calibrate
from pose_activity.stage2_classifier.frozen import softmax
from pose_activity.stage2_classifier.frozen.head import LinearHead

# Of C, when it is chosen. On thousands of standardised numbers the loss falls steeply at first and
# is then flat over decades: the search ends where the next value gains too little.
GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
_LEAST_GAIN = 0.01  # of the loss, in nats
_ROUGH = 1e-4  # tolerance of the fits that only choose C


@dataclass(frozen=True)
class Tried:
    """One value of C.

    Attributes:
        C: Inverse strength of the penalty.
        loss: Mean cross-entropy on held-out pictures, calibrated by one temperature.
        accuracy: On held-out pictures.
    """

    C: float
    loss: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """What `fit` found.

    Attributes:
        head: Learned from all rows.
        tried: Each value of C that gained something, from the strongest penalty on; the last one
            is the head's.
        held_out: `(N, classes)` float32 for each row of `vectors`: the probabilities of a head of
            this C that did not learn from it.
    """

    head: LinearHead
    tried: tuple[Tried, ...]
    held_out: np.ndarray


def fit(
    vectors: np.ndarray,
    ids: np.ndarray,
    *,
    classes: int,
    mirrored: np.ndarray | None = None,
    groups: Sequence[str],
    C: float | None = None,
    folds: int = 5,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> Fitted:
    """Fits a head.

    Args:
        vectors: `(N, D)` float32 and finite.
        ids: `(N,)` class ids, two different ones at least.
        classes: Number of classes.
        mirrored: `(N, D)`, of the mirror images: learned from as well, with half the weight each;
            None: there are none.
        groups: N names; pictures of one group are on one side of a fold.
        C: Inverse strength of the penalty; None: chosen from `GRID` by the folds.
        folds: Number of folds, 2 or more; fewer where there are fewer groups.
        seed: Of the folds.
        on_progress: Told of each fit.

    Raises:
        ValueError: all pictures are of one class, or of one group.
    """
    if len(np.unique(ids)) < 2 or len({*groups}) < 2:
        raise ValueError(
            "A classifier needs pictures of two classes and two groups. Received: "
            f"{len(ids)} pictures of {len(np.unique(ids))} and {len({*groups})}. Add pictures."
        )
    data = _Data.of(vectors, mirrored, ids, classes)
    parts = [*_folds(ids, groups, folds, seed)]
    tried, held_out = _search(data, parts, GRID if C is None else (C,), on_progress)
    return Fitted(data.head(tried[-1].C), tuple(tried), held_out)


def fit_head(
    vectors: np.ndarray,
    ids: np.ndarray,
    *,
    classes: int,
    mirrored: np.ndarray | None = None,
    C: float,
    tolerance: float = softmax.TOLERANCE,
) -> LinearHead:
    """Fits a head whose C is known; the arguments are those of `fit` and of `softmax.fit`."""
    return _Data.of(vectors, mirrored, ids, classes).head(C, tolerance=tolerance)


@dataclass(frozen=True, eq=False)
class _Data:
    """Standardised rows `(T, N, D)`, of N pictures and perhaps their mirror images, with ids."""

    rows: np.ndarray
    ids: np.ndarray
    classes: int
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(
        cls, vectors: np.ndarray, mirrored: np.ndarray | None, ids: np.ndarray, classes: int
    ) -> "_Data":
        """Standardises vectors and those of the mirror images together."""
        rows = np.stack([vectors] if mirrored is None else [vectors, mirrored])
        mean, scale = (rows.mean((0, 1), dtype=np.float64), rows.std((0, 1), dtype=np.float64))
        mean, scale = mean.astype(np.float32), np.where(scale > 0, scale, 1).astype(np.float32)
        return cls((rows - mean) / scale, ids, classes, mean, scale)

    def head(self, C: float, *, tolerance: float = softmax.TOLERANCE) -> LinearHead:
        """Returns the head that learned from all pictures."""
        found = self.fit(np.arange(len(self.ids)), C, tolerance=tolerance)
        return LinearHead(self.mean, self.scale, *found)

    def fit(
        self, which: np.ndarray, C: float, start: softmax.Solution | None = None, **options: float
    ) -> softmax.Solution:
        """Fits on some pictures; their mirror images share their weight."""
        times, _, size = self.rows.shape
        vectors = self.rows[:, which].reshape(-1, size)
        return softmax.fit(
            vectors,
            np.tile(self.ids[which], times),
            classes=self.classes,
            C=C,
            weights=np.full(len(vectors), 1 / times),
            start=start,
            **options,
        )


def _search(
    data: _Data,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    grid: Sequence[float],
    on_progress: ProgressCallback | None,
) -> tuple[list[Tried], np.ndarray]:
    """Tries values of C from the strongest penalty on, as long as they gain something.

    Returns:
        The values, and what the heads of the last one answered.
    """
    starts: list[softmax.Solution | None] = [None] * len(parts)
    tried: list[Tried] = []
    best = np.zeros((len(data.ids), data.classes), np.float32)
    for C in grid:
        answers = np.zeros_like(best)
        for number, (learned, held) in enumerate(parts):
            start = starts[number]
            starts[number] = found = data.fit(learned, C, start, tolerance=_ROUGH)
            answers[held] = softmax.probabilities(data.rows[0][held], found)
            if on_progress:
                done = len(tried) * len(parts) + number + 1
                on_progress(done, len(grid) * len(parts), f"C = {C:g}")
        one = _judge(C, answers, data.ids)
        if tried and one.loss > tried[-1].loss - _LEAST_GAIN:
            break
        tried.append(one)
        best = answers
    return tried, best


def _judge(C: float, answers: np.ndarray, ids: np.ndarray) -> Tried:
    calibrated = calibrate.apply(answers, calibrate.temperature(answers, ids))
    right = calibrated[np.arange(len(ids)), ids]
    loss = -np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean()
    return Tried(C, float(loss), float((answers.argmax(1) == ids).mean()))


def _folds(
    ids: np.ndarray, groups: Sequence[str], folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the pictures that are learned from and those that are held out, by fold."""
    count = min(folds, len({*groups}), int(np.bincount(ids).max()))
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a class with fewer pictures than folds: some are without it
        warnings.simplefilter("ignore", UserWarning)
        yield from splitter.split(np.zeros((len(ids), 1)), ids, np.asarray(groups))
