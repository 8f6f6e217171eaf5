"""Linear discriminant analysis with a strong ridge: arrays in, weights out.

All classes are taken for clouds of one shape around means of their own. That shape, the covariance
within the classes, is regularised by as much per direction as a vector lies away from its class's
mean in all directions together: of thousands of numbers from hundreds of pictures little more is
known. Unlike a softmax regression it is solved at once, and it errs in other places.
Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2009, section 4.3.
"""

import numpy as np

from pose_activity.stage2_classifier.frozen.softmax import Solution


def fit(
    vectors: np.ndarray, ids: np.ndarray, *, classes: int, weights: np.ndarray | None = None
) -> Solution:
    """Fits the weights; what they make of a vector are logits.

    Args:
        vectors: `(N, D)` float32, standardised; N >= 1. The time grows with D cubed.
        ids: `(N,)` class ids; some classes may be absent.
        classes: Number of classes.
        weights: `(N,)` of the rows; None: 1 each.

    Returns:
        Kernel `(D, classes)` and bias `(classes,)`, float32.
    """
    each = np.ones(len(ids)) if weights is None else weights
    membership = np.zeros((len(ids), classes))
    membership[np.arange(len(ids)), ids] = each
    sizes = membership.sum(0)
    means = (membership / np.where(sizes > 0, sizes, 1)).T.astype(np.float32) @ vectors
    apart = (vectors - means[ids]) * np.sqrt(each).astype(np.float32)[:, None]
    within = (apart.T @ apart).astype(np.float64) / each.sum()
    ridge = np.trace(within) / each.sum() or 1.0
    within[np.diag_indices_from(within)] += ridge
    kernel = np.linalg.solve(within, means.T.astype(np.float64))
    shares = (sizes + 0.5) / (sizes + 0.5).sum()  # a class that is absent is rare, not impossible
    bias = np.log(shares) - (means * kernel.T).sum(1) / 2
    return kernel.astype(np.float32), (bias - bias.mean()).astype(np.float32)
