"""How far rare classes are preferred where one class is chosen for a pixel.

The most probable class is right for most pixels, but mean IoU counts a hand as much as the
background. So a class' probability is divided by a power of its share of the pixels before the
largest is taken; the power is the one with the best mean IoU on val. Source: Menon et al.,
"Long-tail learning via logit adjustment", ICLR 2021.
"""

import numpy as np

from pose_activity.stage1_parts.scores import overlaps_mean

POWERS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)


def fit_weights(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Finds what each class' probability is multiplied by before the largest is taken.

    Args:
        probabilities: `(N, C)`, of pixels that were drawn without regard to their class.
        labels: `(N,)` true classes.

    Returns:
        `(C,)` float64, at least 1: of the most frequent class 1, as of those that do not occur.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    rarity = np.where(counts > 0, counts.max() / np.maximum(counts, 1), 1.0)
    tried = [rarity**power for power in POWERS]
    return max(tried, key=lambda weights: _miou(probabilities * weights, labels))


def _miou(answers: np.ndarray, labels: np.ndarray) -> float:
    classes = answers.shape[1]
    pairs = np.bincount(labels * classes + answers.argmax(axis=1), minlength=classes**2)
    return float(overlaps_mean(pairs.reshape(classes, classes)))
