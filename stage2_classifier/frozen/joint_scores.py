"""What the joints alone say of an activity: kernel ridge regression on the numbers of a person.

In come rows of `cache.joint_numbers`, flattened, out go scores that are added to the logits of a
head with a weight. A classifier of a few dozen numbers that bends is worth more beside the
thousands of features than those numbers among them. Nobody's score is 0.
Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, sections 2.2 and 8.1
("subset of regressors"). The kernel is a Gaussian, averaged over the picture and its mirror image,
so an image and its mirror image score alike.
"""

from dataclasses import dataclass

import numpy as np

# Both were chosen by inner folds of the training side of one fold of Stanford 40, of five pairs.
RIDGE = 0.1  # of the kernel, which is .5 to 1 between a picture and itself
WIDTH = 1.0  # of the exponent, where a squared distance is the median
MOST_ANCHORS = 2000  # pictures that others are compared with
_MEDIAN_OF = 1000  # pictures
_LEAST_SPREAD = 1e-3  # of numbers; less is rounding, which differs in the mirror image
_LEAST = 1e-2  # added to the squares of the kernel, so that rounding does no harm


@dataclass(frozen=True, eq=False)
class JointScores:
    """Weighted sums of how alike a person's numbers are to those of A others; all arrays float32.

    Attributes:
        mean: `(D,)`, subtracted from numbers.
        factor: `(D,)`, that they are multiplied by.
        anchors: `(A, D)`, numbers of others after that.
        kernel: `(A, C)`, their weights for each class.
        width: `(1,)`: the kernel is exp(-width |a - b|^2).
    """

    mean: np.ndarray
    factor: np.ndarray
    anchors: np.ndarray
    kernel: np.ndarray
    width: np.ndarray

    @property
    def size(self) -> int:
        """How long a flattened row is: two times D, and twice that there is a person."""
        return 2 * (len(self.mean) + 1)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Returns `(N, C)` float32 of `(N, size)` rows."""
        own, turned, there = _sides(rows)
        alike = _alike(
            *((side - self.mean) * self.factor for side in (own, turned)),
            anchors=self.anchors,
            width=float(self.width[0]),
        )
        return (alike @ self.kernel) * there[:, None]

    def times(self, weight: float) -> "JointScores":
        """Returns what scores `weight` times as much."""
        kernel = (self.kernel * weight).astype(np.float32)
        return JointScores(self.mean, self.factor, self.anchors, kernel, self.width)


def fit(rows: np.ndarray, ids: np.ndarray, *, classes: int) -> JointScores:
    """Fits the scores.

    Args:
        rows: `(N, 2 (1 + D))` float32, `cache.joint_numbers` flattened; of some pictures with
            people and perhaps of others.
        ids: `(N,)` class ids.
        classes: Number of classes.
    """
    own, turned, there = _sides(rows)
    known = np.flatnonzero(there)
    if not len(known):
        return _nothing(own.shape[1], classes)
    own, turned, names = own[known], turned[known], ids[known]
    both = np.concatenate([own, turned])
    mean, spread = both.mean(0), both.std(0)
    factor = 1 / np.where(spread > _LEAST_SPREAD, spread, 1)
    own, turned = (((side - mean) * factor).astype(np.float32) for side in (own, turned))
    width = WIDTH / _median(own)
    chosen = _evenly(len(own), MOST_ANCHORS)
    anchors = own[chosen]
    right = np.eye(classes, dtype=np.float32)[names]
    right -= right.mean(0)
    matrix = _alike(anchors, turned[chosen], anchors=anchors, width=width)
    if len(chosen) == len(own):
        matrix[np.diag_indices_from(matrix)] += RIDGE
    else:
        alike = _alike(own, turned, anchors=anchors, width=width)
        matrix, right = alike.T @ alike + RIDGE * matrix, alike.T @ right
        matrix[np.diag_indices_from(matrix)] += _LEAST
    kernel = np.linalg.solve(matrix, right)
    arrays = mean, factor, anchors, kernel, np.array([width])
    return JointScores(*(array.astype(np.float32) for array in arrays))


def _nothing(size: int, classes: int) -> JointScores:
    """Returns what scores 0, whoever comes."""
    ones = np.ones(size, np.float32)
    kernel = np.zeros((1, classes), np.float32)
    return JointScores(0 * ones, ones, 0 * ones[None], kernel, np.ones(1, np.float32))


def _sides(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the numbers `(N, D)`, those of the mirror image, and whether there is a person."""
    own, turned = np.split(rows, 2, axis=1)
    return own[:, 1:], turned[:, 1:], own[:, 0]


def _alike(own: np.ndarray, turned: np.ndarray, *, anchors: np.ndarray, width: float) -> np.ndarray:
    """Returns `(N, A)`: how alike pictures are to anchors, themselves or mirrored."""
    sides = [np.exp(-width * _distances(side, anchors)) for side in (own, turned)]
    return (sides[0] + sides[1]) / 2


def _distances(rows: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Returns `(N, A)` float32, squared; calculated in float64, since they are differences."""
    rows, anchors = rows.astype(np.float64), anchors.astype(np.float64)
    squares = np.square(rows).sum(1)[:, None] - 2 * rows @ anchors.T
    return np.maximum(squares + np.square(anchors).sum(1), 0).astype(np.float32)


def _median(rows: np.ndarray) -> float:
    """Returns the median squared distance of pictures, evenly chosen; no less than D.

    Standardised numbers of different people are about 2 D apart; where the most are alike, others
    lie so far out that rounding would be all that a narrower kernel tells apart.
    """
    some = rows[_evenly(len(rows), _MEDIAN_OF)]
    found = _distances(some, some)[np.triu_indices(len(some), 1)]
    return max(float(np.median(found)) if len(found) else 0.0, float(rows.shape[1]))


def _evenly(count: int, most: int) -> np.ndarray:
    """Returns indices of at most so many of `count` things, evenly chosen."""
    return np.linspace(0, count - 1, min(count, most)).astype(int)
