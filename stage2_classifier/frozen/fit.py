"""Fits a linear head on vectors: how strongly it is held back is chosen by inner folds.

Vectors and class ids in, a `LinearHead` out, with what heads like it answered on pictures that they
had not learned from. Knows nothing of pictures or graphs. A head is the mean of a softmax
regression and of a linear discriminant, whose logits are brought to the same spread: both are
linear, and together they are right more often than each. Where the last numbers of a vector are
joints, a classifier of these alone is joined late: its scores are added to the logits with a weight
that the inner folds choose as well.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from pose_activity.artifacts.ordered import in_order
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier.frozen import discriminant, joint_scores, softmax
from pose_activity.stage2_classifier.frozen.head import LinearHead

# Of C, when it is chosen. On thousands of standardised numbers the loss falls steeply at first and
# is then flat over decades: the search ends where the next value gains too little.
GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
_LEAST_GAIN = 0.01  # of the loss, in nats
JOINT_WEIGHTS = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # of the scores of joints
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
            is the head's. Judged without joints.
        held_out: `(N, classes)` float32 for each row of `vectors`: the probabilities of a head of
            this C and joint weight that did not learn from it.
        joint_weight: With which scores of joints are added; 0 where there are none.
        accuracy: Of `held_out`.
    """

    head: LinearHead
    tried: tuple[Tried, ...]
    held_out: np.ndarray
    joint_weight: float
    accuracy: float


def fit(
    vectors: np.ndarray,
    ids: np.ndarray,
    *,
    classes: int,
    mirrored: np.ndarray | None = None,
    groups: Sequence[str],
    joints: int = 0,
    C: float | None = None,
    folds: int = 5,
    seed: int = 0,
    threads: int = 1,
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
        joints: How many of the last numbers are of joints, see `Layout`.
        C: Inverse strength of the penalty; None: chosen from `GRID` by the folds.
        folds: Number of folds, 2 or more; fewer where there are fewer groups.
        seed: Of the folds.
        threads: Folds that are worked on side by side; the result does not depend on it.
        on_progress: Told of each fit.

    Raises:
        ValueError: all pictures are of one class, or of one group.
    """
    if len(np.unique(ids)) < 2 or len({*groups}) < 2:
        raise ValueError(
            "A classifier needs pictures of two classes and two groups. Received: "
            f"{len(ids)} pictures of {len(np.unique(ids))} and {len({*groups})}. Add pictures."
        )
    plain, numbers = _without_joints(vectors, joints), _joints_of(vectors, joints)
    data = _Data.of(plain, _without_joints(mirrored, joints), ids, classes)
    parts = [*_folds(ids, groups, folds, seed)]
    grid = GRID if C is None else (C,)
    tried, held_out = _search(data, parts, grid, threads, on_progress)
    head, weight = data.head(tried[-1].C), 0.0
    if joints:
        weight, held_out = _join(held_out, numbers, ids, parts, threads)
        head = _with_joints(head, numbers, ids, weight)
    accuracy = float((held_out.argmax(1) == ids).mean())
    return Fitted(head, tuple(tried), held_out, weight, accuracy)


def fit_head(
    vectors: np.ndarray,
    ids: np.ndarray,
    *,
    classes: int,
    mirrored: np.ndarray | None = None,
    joints: int = 0,
    C: float,
    joint_weight: float = 0.0,
    tolerance: float = softmax.TOLERANCE,
) -> LinearHead:
    """Fits a head whose C and joint weight are known; see `fit` and `softmax.fit`."""
    plain, mirrored = (_without_joints(side, joints) for side in (vectors, mirrored))
    head = _Data.of(plain, mirrored, ids, classes).head(C, tolerance=tolerance)
    return _with_joints(head, _joints_of(vectors, joints), ids, joint_weight) if joints else head


def _without_joints(vectors: Any, joints: int) -> Any:
    """Returns vectors, or None, without the last numbers."""
    return vectors if vectors is None or not joints else vectors[:, :-joints]


def _joints_of(vectors: np.ndarray, joints: int) -> np.ndarray:
    return vectors[:, vectors.shape[1] - joints :]


def _with_joints(
    head: LinearHead, numbers: np.ndarray, ids: np.ndarray, weight: float
) -> LinearHead:
    """Returns a head to which scores of joints are joined that learned from all rows."""
    scores = joint_scores.fit(numbers, ids, classes=len(head.bias))
    return replace(head, joints=scores.times(weight))


def _join(
    held_out: np.ndarray,
    numbers: np.ndarray,
    ids: np.ndarray,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    threads: int,
) -> tuple[float, np.ndarray]:
    """Chooses the weight of the joints' scores, on pictures that neither learned from.

    Args:
        held_out: `(N, classes)`, the head's probabilities in the folds.
        numbers: `(N, J)` of the joints.
        ids: `(N,)` class ids.
        parts: The folds.
        threads: Over how many threads they are worked on.

    Returns:
        The weight, and both together in the folds.
    """
    scores, classes = np.zeros_like(held_out), held_out.shape[1]

    def work(part: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        learned, held = part
        return joint_scores.fit(numbers[learned], ids[learned], classes=classes)(numbers[held])

    for (_, held), found in zip(parts, in_order(work, parts, workers=threads), strict=True):
        scores[held] = found
    logs = np.log(np.maximum(held_out, np.finfo(np.float32).tiny))
    joined = {weight: _normalised(logs + weight * scores) for weight in JOINT_WEIGHTS}
    losses = {weight: _judge(weight, joined[weight], ids).loss for weight in joined}
    weight = min(losses, key=lambda one: losses[one])
    if losses[weight] > losses[0.0] - _LEAST_GAIN:
        weight = 0.0  # a weight that gains so little is chance
    return weight, joined[weight]


def _normalised(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return (powers / powers.sum(1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Data:
    """Standardised rows of N pictures and perhaps their mirror images, with ids.

    Where there are fewer rows than numbers in each, they are turned into the space that they span.
    A penalty on the weights' squares is the same in every direction, so no solution changes. The
    axes of that space are sums of rows, and are never written out.

    Attributes:
        rows: `(T, N, R)` float32.
        ids: `(N,)`.
        classes: Number of classes.
        mean: `(D,)`, subtracted from vectors.
        scale: `(D,)`, that they are divided by.
        span: The standardised vectors, `(T N, D)`, and of which sums of them the axes are,
            `(T N, R)`; None: the rows are the standardised vectors.
    """

    rows: np.ndarray
    ids: np.ndarray
    classes: int
    mean: np.ndarray
    scale: np.ndarray
    span: tuple[np.ndarray, np.ndarray] | None

    @classmethod
    def of(
        cls, vectors: np.ndarray, mirrored: np.ndarray | None, ids: np.ndarray, classes: int
    ) -> "_Data":
        """Standardises vectors and those of the mirror images together."""
        rows = np.stack([vectors] if mirrored is None else [vectors, mirrored])
        mean, scale = (rows.mean((0, 1), dtype=np.float64), rows.std((0, 1), dtype=np.float64))
        mean, scale = mean.astype(np.float32), np.where(scale > 0, scale, 1).astype(np.float32)
        rows = (rows - mean) / scale
        times, count, size = rows.shape
        if times * count >= size:
            return cls(rows, ids, classes, mean, scale, None)
        even = rows.reshape(-1, size)
        turned, sums = _turn(even)
        return cls(turned.reshape(times, count, -1), ids, classes, mean, scale, (even, sums))

    def head(self, C: float, *, tolerance: float = softmax.TOLERANCE) -> LinearHead:
        """Returns the head that learned from all pictures."""
        _, (kernel, bias) = self.learner(np.arange(len(self.ids))).fit(C, tolerance=tolerance)
        if self.span:
            vectors, sums = self.span
            kernel = vectors.T @ (sums @ kernel)
        return LinearHead(self.mean, self.scale, kernel, bias)

    def learner(self, which: np.ndarray) -> "_Learner":
        """Returns what learns from some pictures."""
        vectors, ids, weights = self.chosen(which)
        found = discriminant.fit(vectors, ids, classes=self.classes, weights=weights)
        return _Learner(self, which, found, _spread(vectors, found))

    def chosen(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns rows, ids and weights of some pictures; their mirror images share a weight."""
        times, _, size = self.rows.shape
        vectors = self.rows[:, which].reshape(-1, size)
        return vectors, np.tile(self.ids[which], times), np.full(len(vectors), 1 / times)


@dataclass(frozen=True, eq=False)
class _Learner:
    """Some pictures, and their discriminant with its spread, which are the same for every C."""

    data: _Data
    which: np.ndarray
    discriminant: softmax.Solution
    spread: float

    def fit(
        self, C: float, start: softmax.Solution | None = None, *, tolerance: float
    ) -> tuple[softmax.Solution, softmax.Solution]:
        """Returns the softmax regression, and its mean with the discriminant."""
        vectors, ids, weights = self.data.chosen(self.which)
        found = softmax.fit(
            vectors,
            ids,
            classes=self.data.classes,
            C=C,
            weights=weights,
            start=start,
            tolerance=tolerance,
        )
        factor = _spread(vectors, found) / self.spread if self.spread else 1.0
        kernel, bias = (
            ((one + factor * other) / 2).astype(np.float32)
            for one, other in zip(found, self.discriminant, strict=True)
        )
        return found, (kernel, bias)


def _spread(vectors: np.ndarray, solution: softmax.Solution) -> float:
    """Returns the standard deviation of logits from their mean for each vector."""
    logits = vectors @ solution[0] + solution[1]
    return float((logits - logits.mean(1, keepdims=True)).std())


def _turn(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turns N rows of more numbers than N into the space that they span.

    Returns:
        The rows along R orthonormal axes, `(N, R)` float32; and of which sums of the rows those
        axes are, `(N, R)` float32: `rows.T @ sums`.
    """
    values, vectors = np.linalg.eigh((rows @ rows.T).astype(np.float64))
    kept = values > 1e-6 * values[-1]
    lengths, vectors = np.sqrt(values[kept]), vectors[:, kept]
    return (vectors * lengths).astype(np.float32), (vectors / lengths).astype(np.float32)


def _search(
    data: _Data,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    grid: Sequence[float],
    threads: int,
    on_progress: ProgressCallback | None,
) -> tuple[list[Tried], np.ndarray]:
    """Tries values of C from the strongest penalty on, as long as they gain something.

    Returns:
        The values, and what the heads of the last one answered.
    """
    folds = range(len(parts))
    learners = [*in_order(lambda part: data.learner(part[0]), parts, workers=threads)]
    starts: list[softmax.Solution | None] = [None] * len(parts)
    tried: list[Tried] = []
    best = np.zeros((len(data.ids), data.classes), np.float32)
    for C in grid:
        answers = np.zeros_like(best)

        def work(fold: int, C: float = C) -> tuple[softmax.Solution, softmax.Solution]:
            return learners[fold].fit(C, starts[fold], tolerance=_ROUGH)

        for fold, (found, mixed) in enumerate(in_order(work, folds, workers=threads)):
            starts[fold], held = found, parts[fold][1]
            answers[held] = softmax.probabilities(data.rows[0][held], mixed)
            if on_progress:
                done = len(tried) * len(parts) + fold + 1
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
