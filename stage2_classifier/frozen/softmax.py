"""Multinomial logistic regression by L-BFGS: arrays in, weights out.

The objective is scikit-learn's for `LogisticRegression`, with several classes also where there are
two: the weighted sum of the cross-entropies, plus |kernel|^2 / (2 C); the bias is free. The large
products are float32, which is twice as fast, and starts from a solution nearby halve the rest.
"""

import numpy as np
from scipy.optimize import minimize

MOST_STEPS = 300
TOLERANCE = 1e-6  # relative change of the objective at which a search ends

Solution = tuple[np.ndarray, np.ndarray]  # kernel (D, C) and bias (C,), float32


def fit(
    vectors: np.ndarray,
    ids: np.ndarray,
    *,
    classes: int,
    C: float,
    weights: np.ndarray | None = None,
    start: Solution | None = None,
    tolerance: float = TOLERANCE,
) -> Solution:
    """Fits the weights.

    Args:
        vectors: `(N, D)` float32, standardised; N >= 1.
        ids: `(N,)` class ids; some classes may be absent.
        classes: Number of classes.
        C: Inverse strength of the penalty.
        weights: `(N,)` of the rows; None: 1 each.
        start: Where the search begins; None: at 0.
        tolerance: Relative change of the objective at which it ends.

    Returns:
        Kernel `(D, classes)` and bias `(classes,)`, float32.
    """
    count, size = vectors.shape
    each = np.ones(count, np.float32) if weights is None else weights.astype(np.float32)
    right = np.arange(count), ids
    total = float(each.sum())

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        kernel, bias = _split(flat, size, classes)
        powers = vectors @ kernel + bias
        powers -= powers.max(1, keepdims=True)
        chosen = powers[right]
        np.exp(powers, out=powers)
        sums = powers.sum(1)
        loss = float(each @ (np.log(sums) - chosen)) + float(np.vdot(kernel, kernel)) / (2 * C)
        powers *= (each / sums)[:, None]
        powers[right] -= each
        slope = vectors.T @ powers + kernel / C
        return loss / total, np.append(slope.ravel(), powers.sum(0)).astype(np.float64) / total

    first = np.zeros((size + 1) * classes)
    if start is not None:
        first = np.append(start[0].ravel(), start[1]).astype(np.float64)
    options = {"maxiter": MOST_STEPS, "ftol": tolerance, "gtol": 1e-6}
    found = minimize(objective, first, jac=True, method="L-BFGS-B", options=options)
    kernel, bias = _split(found.x, size, classes)
    return kernel, bias - bias.mean()


def probabilities(vectors: np.ndarray, solution: Solution) -> np.ndarray:
    """Returns `(N, classes)` float32; a row sums to 1."""
    logits = (vectors @ solution[0] + solution[1]).astype(np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return (powers / powers.sum(1, keepdims=True)).astype(np.float32)


def _split(flat: np.ndarray, size: int, classes: int) -> Solution:
    narrow = flat.astype(np.float32)
    return narrow[: size * classes].reshape(size, classes), narrow[size * classes :]
