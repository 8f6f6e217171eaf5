"""Labels that are likely to be wrong, by what a classifier says that did not learn from them.

In come held-out (or out-of-fold) probabilities and labels, out come rows to look at. Source:
Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70
(2021). Knows no pictures and no files.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Suspect:
    """A label that is likely to be wrong.

    Attributes:
        row: Which one.
        label: Class id that is given.
        suggested: Class id that is likely to be right.
        probability: Of the given class: the self-confidence, by which suspects are ordered.
        suggested_probability: Of the other one.
    """

    row: int
    label: int
    suggested: int
    probability: float
    suggested_probability: float


def find_suspects(probabilities: np.ndarray, labels: np.ndarray) -> list[Suspect]:
    """Returns the rows that look like confident examples of another class, the worst first.

    A class counts where its probability is at least as large as it is on average for the examples
    that bear its label, so that not all of a class of which the classifier is never sure are found.
    Of those that count, the most probable one is what the example looks like. Where that is another
    class than the label, the label is suspect.

    Args:
        probabilities: `(N, C)`, of examples that the classifier did not learn from.
        labels: `(N,)` class ids as they are given.
    """
    if not len(labels):
        return []
    own = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0].astype(float)
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    sums = np.bincount(labels, weights=own, minlength=probabilities.shape[1])
    least = np.divide(sums, counts, out=np.full(len(sums), np.inf), where=counts > 0)
    counted = np.where(probabilities >= least, probabilities, -1.0)
    looks_like = counted.argmax(1)
    rows = np.flatnonzero((counted.max(1) >= 0) & (looks_like != labels))
    ordered = rows[np.argsort(own[rows], kind="stable")]
    return [
        Suspect(
            row=int(row),
            label=int(labels[row]),
            suggested=int(looks_like[row]),
            probability=float(own[row]),
            suggested_probability=float(probabilities[row, looks_like[row]]),
        )
        for row in ordered
    ]
