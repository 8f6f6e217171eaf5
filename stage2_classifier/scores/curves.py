"""Answers that are given or withheld, and classes that are looked for, as curves of shares.

In come `(N, C)` probabilities and `(N,)` class ids, N >= 1, out come `(P,)` float64 in [0, 1].
"""

import numpy as np

from pose_activity.stage2_classifier.scores.resampling import average_precisions

_RECALLS = np.linspace(0, 1, 101)


def coverage_curve(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns how many answers are given, and how many of these are right, the surest first.

    One point for each probability of an answer: all that are as sure or surer are given.

    Returns:
        Coverage, rising to 1, and accuracy.
    """
    sure = probabilities.max(1)
    order = np.argsort(-sure, kind="stable")
    right = (probabilities.argmax(1) == labels)[order]
    last = np.flatnonzero(np.append(sure[order][1:] < sure[order][:-1], True))
    given = last + 1
    return given / len(labels), right.cumsum()[last] / given


def precision_recall_curves(
    probabilities: np.ndarray, labels: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns precision over recall, the mean over classes that occur.

    The precision at a recall is the best at that recall or a larger one. Source: Everingham et al.,
    "The PASCAL Visual Object Classes Challenge", IJCV 2010. With eight classes or more, means over
    the best and the worst quarter by average precision are beside it.

    Returns:
        What is averaged -> (recall, precision) at 101 points.
    """
    areas = average_precisions(probabilities, labels)
    ranked = sorted(areas, key=lambda i: -areas[i])
    curves = np.stack([_interpolated(probabilities[:, i], labels == i) for i in ranked])
    found = {"mean over classes": (_RECALLS, curves.mean(0))}
    quarter = len(ranked) // 4
    if quarter > 1:
        found["best quarter of the classes"] = (_RECALLS, curves[:quarter].mean(0))
        found["worst quarter of the classes"] = (_RECALLS, curves[-quarter:].mean(0))
    return found


def _interpolated(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    order = np.argsort(-scores)
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    found = positive[order].cumsum()[last]
    best = np.maximum.accumulate((found / (last + 1))[::-1])[::-1]
    return best[np.searchsorted(found / found[-1], _RECALLS - 1e-12)]
