"""How well what training never saw is told from what it knows: AUROC and FPR95.

In come the confidences of a classifier's answers, `(N,)` float, to images of known classes and to
images of none of them; out come plain numbers. Known ones should be the higher. Source: Hendrycks
and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples", ICLR 2017.
"""

from dataclasses import dataclass

import numpy as np

_KEPT = 0.95


@dataclass(frozen=True)
class Novelty:
    """How well a threshold on the confidence finds the unknown.

    Attributes:
        auroc: How often a known image is the more confident of a pair with an unknown one; equal
            ones count half. 0.5 is chance.
        fpr95: Share of the unknown images that are taken for known where 95 % of the known are.
        known: Number of images of known classes.
        unknown: Number of images of no known class.
    """

    auroc: float
    fpr95: float
    known: int
    unknown: int


def measure(known: np.ndarray, unknown: np.ndarray) -> Novelty:
    """Compares the confidences of known images with those of unknown ones.

    Args:
        known: `(N,)` finite, N >= 1.
        unknown: `(M,)` finite, M >= 1.

    Raises:
        ValueError: one of them is empty, has another shape, or is not finite.
    """
    for name, scores in (("known", known), ("unknown", unknown)):
        if scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
            raise ValueError(
                f"{name} must be finite confidences (N,), N >= 1. Received: {scores.shape}"
            )
    ordered = np.sort(unknown)
    below = np.searchsorted(ordered, known, side="left")
    equal = np.searchsorted(ordered, known, side="right") - below
    auroc = (below + equal / 2).mean() / len(unknown)
    # The largest confidence from which on at least 95 % of the known are kept.
    limit = np.sort(known)[::-1][int(np.ceil(_KEPT * len(known) - 1e-9)) - 1]
    return Novelty(float(auroc), float((unknown >= limit).mean()), len(known), len(unknown))
