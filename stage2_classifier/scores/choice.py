"""Figures of held-out answers by which settings are chosen; never headlines."""

import numpy as np

from pose_activity.stage2_classifier.scores.evaluate import evaluate
from pose_activity.stage2_classifier.scores.predictions import Predictions

_TINY = 1e-12  # the least probability that the loss knows


def figures_of(answers: Predictions) -> dict[str, float]:
    """Returns accuracy, macro_f1, loss (mean of -log of the true class's probability), and n.

    Raises:
        ValueError: there are no answers.
    """
    if not len(answers.labels):
        raise ValueError("val is empty: a search needs pictures or clips to judge by")
    found = evaluate(
        answers.probabilities, answers.labels, classes=answers.classes, split=answers.split
    )
    right = answers.probabilities[np.arange(len(answers.labels)), answers.labels]
    loss = float(-np.log(np.maximum(right.astype(float), _TINY)).mean())
    return {"accuracy": found.accuracy, "macro_f1": found.macro_f1, "loss": loss, "n": found.n}
