"""Calibrated probabilities: temperature scaling, its error, and when to answer "unknown".

Arithmetic on `(N, C)` probabilities and `(N,)` class ids; no model and no files. Source: Guo et
al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

from dataclasses import dataclass

import numpy as np

_LOWEST, _HIGHEST = 0.05, 20.0  # temperatures
_TINY = float(np.finfo(np.float32).tiny)  # replaces a probability that was rounded to 0


NEVER_UNKNOWN = (
    "Nothing is called unknown: every answer is one of the known names, also for what training "
    "never saw, and then often with a high probability."
)


@dataclass(frozen=True)
class Threshold:
    """Below which probability an answer is better called unknown.

    Attributes:
        probability: Answers with at least this probability are given.
        coverage: Share of the images that get an answer then.
        precision: Share of those answers that are right.
    """

    probability: float
    coverage: float
    precision: float


@dataclass(frozen=True)
class Calibration:
    """What was fitted on predictions of one kind: of single windows, or of whole clips.

    Attributes:
        temperature: Their probabilities are calibrated by it; 1.0 changes nothing.
        unknown_below: See `Threshold.probability`; None: no threshold was, or was not fitted.
        unknown_coverage: See `Threshold.coverage`, or None.
        fitted_on: Number of answers that it was fitted on; None: older versions did not say.
        answer_precision: See `Threshold.precision`; None: none, or older versions did not say.
    """

    temperature: float = 1.0
    unknown_below: float | None = None
    unknown_coverage: float | None = None
    fitted_on: int | None = None
    answer_precision: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"temperature must be positive. Received: {self.temperature}")


def fit(
    probabilities: np.ndarray,
    labels: np.ndarray,
    *,
    precision: float,
    min_coverage: float,
) -> Calibration:
    """Fits temperature and threshold on answers such as will be given.

    Where an answer is a mean over several windows or frames, these are such means: a mean is less
    confident than its parts, and more often right, so that what fits the parts does not fit it.

    Args:
        probabilities: `(N, C)`; of images, or clips, that the classifier did not learn from.
        labels: `(N,)` class ids.
        precision: See `threshold`.
        min_coverage: See `threshold`.
    """
    scale = temperature(probabilities, labels)
    limit = threshold(
        apply(probabilities, scale), labels, precision=precision, min_coverage=min_coverage
    )
    if limit is None:
        return Calibration(scale, fitted_on=len(labels))
    return Calibration(scale, limit.probability, limit.coverage, len(labels), limit.precision)


def temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Fits the temperature T that makes softmax(log p / T) most likely to give the labels.

    Args:
        probabilities: `(N, C)`; rows sum to 1. Of images that the classifier did not learn from.
        labels: `(N,)` class ids.

    Returns:
        T in [0.05, 20]: above 1 where the classifier is overconfident. 1.0 where no T in that
        range is best: no images, or every answer right (or useless), so that the likelihood only
        rises towards one end.
    """
    from scipy.optimize import brentq  # prediction, which needs the rest of this file, is without

    if not len(labels):
        return 1.0
    logs = _logs(probabilities)
    right = np.take_along_axis(logs, labels[:, None], axis=1)[:, 0]

    def slope(inverse: float) -> float:
        """Derivative of the negative log-likelihood, which is convex in 1 / T."""
        return float(((_softmax(inverse * logs) * logs).sum(1) - right).mean())

    ends = 1 / _HIGHEST, 1 / _LOWEST
    if slope(ends[0]) >= 0 or slope(ends[1]) <= 0:
        return 1.0
    return 1 / float(brentq(slope, *ends))  # type: ignore[arg-type]


def apply(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Returns softmax(log p / T) in the probabilities' dtype; T = 1 changes no bit.

    The order of the classes in a row stays.
    """
    if temperature == 1:
        return probabilities
    return _softmax(_logs(probabilities) / temperature).astype(probabilities.dtype)


def expected_error(probabilities: np.ndarray, labels: np.ndarray, *, bins: int = 15) -> float:
    """Returns the expected calibration error (ECE): how far confidence is from accuracy.

    Images are sorted by the probability of their answer into `bins` equal parts of (0, 1]; the
    differences between a part's accuracy and its mean probability are averaged, weighted by its
    number of images. 0 is best. A few hundred images give a positive figure by chance alone.

    Args:
        probabilities: `(N, C)`, N >= 1.
        labels: `(N,)` class ids.
        bins: Number of parts.
    """
    places, gaps = confidence_gaps(probabilities, labels, bins=bins)
    sums = np.bincount(places, weights=gaps, minlength=bins)
    return float(np.abs(sums).sum() / len(labels))


def confidence_gaps(
    probabilities: np.ndarray, labels: np.ndarray, *, bins: int = 15
) -> tuple[np.ndarray, np.ndarray]:
    """Returns each answer's part of (0, 1], `(N,)` int, and how far it is from its probability.

    The second is `(N,)` float64: 1 - p where the answer is right, -p where it is not. See
    `expected_error`.
    """
    sure, right = _answers(probabilities, labels)
    edges = np.linspace(0, 1, bins + 1)
    return np.searchsorted(edges[1:-1], sure), right - sure  # a part holds its upper edge


def threshold(
    probabilities: np.ndarray,
    labels: np.ndarray,
    *,
    precision: float,
    min_coverage: float,
) -> Threshold | None:
    """Finds the smallest probability from which on answers are right often enough.

    Where that would leave less than `min_coverage` of the images with an answer, it is the largest
    one that leaves as many: the answers are then right less often than was wanted.

    It is halfway between two images' probabilities, so that an engine's rounding changes no
    answer. On few images it is rough, and a little hopeful: it was chosen on them.

    Args:
        probabilities: `(N, C)`, calibrated, as they will be when the threshold is used.
        labels: `(N,)` class ids.
        precision: Wanted share of right answers among the given ones, in [0, 1].
        min_coverage: Share of the images that get an answer in any case, in [0, 1]; with 0 the
            precision alone decides.

    Returns:
        The threshold, 0 where all answers together are good enough; None where no threshold gives
        that precision (with a `min_coverage` of 0 only), or there are no images.
    """
    sure, right = _answers(probabilities, labels)
    order = np.argsort(-sure, kind="stable")
    sure, right = sure[order], right[order]
    given = np.arange(1, len(sure) + 1)
    shares = np.cumsum(right) / given
    ends = np.append(sure[1:] < sure[:-1], True) if len(sure) else np.zeros(0, bool)
    enough = ends & (given >= min_coverage * len(sure))  # equal probabilities stay together
    good = np.flatnonzero(enough & (shares >= precision))
    if len(good):
        last = int(good[-1])
    elif min_coverage > 0 and len(sure):
        last = int(np.flatnonzero(enough)[0])
    else:
        return None
    everything = last + 1 == len(sure)
    lowest = 0.0 if everything else float(sure[last] + sure[last + 1]) / 2
    return Threshold(lowest, (last + 1) / len(sure), float(shares[last]))


def _answers(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns each answer's probability, and 1 where it is right: `(N,)` float64 each."""
    if not len(labels):
        return np.zeros(0), np.zeros(0)
    right = probabilities.argmax(1) == labels
    return probabilities.max(1).astype(np.float64), right.astype(np.float64)


def _logs(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities.astype(np.float64), _TINY))


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
