"""OKS mAP: how well people are found and their joints placed, COCO's measure. Arithmetic on arrays.

Compares `Poses` with labelled `Sample`s on the joints that both skeletons have. Every found person
without a label of their own counts as a mistake, so where a data set labels some of the people
only, values compare models with each other and with nothing else.
"""

from collections.abc import Sequence

import numpy as np

from pose_activity.annotations.types import Poses, Sample
from pose_activity.stage1_pose.evaluate import check_pairs, has_joints, oks_by_name

_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)


def oks_map(poses: Sequence[Poses], samples: Sequence[Sample]) -> dict[str, float | None]:
    """Mean average precision over the OKS thresholds .5, .55 ... .95, and that at .5 alone.

    Found people are gone through by falling score; each takes the labelled person of its picture
    with the highest OKS among those that are left, if that reaches the threshold. People without a
    label on a joint that both skeletons have are left out.

    Source: cocodataset.org/#keypoints-eval; pycocotools' COCOeval (all areas, every found person).

    Args:
        poses: What was found, one per sample, in the same order.
        samples: Labels.

    Returns:
        `oks_map` and `oks_map50` in [0, 1]; None where nobody is labelled.

    Raises:
        ValueError: poses and samples are not of the same pictures.
    """
    check_pairs(poses, samples)
    hits, scores, people = [np.zeros((len(_THRESHOLDS), 0), bool)], [np.zeros(0)], 0
    for pose, sample in zip(poses, samples, strict=True):
        similarity = oks_by_name(pose, sample)[has_joints(pose, sample)]
        order = np.argsort(-pose.scores, kind="stable")
        people += len(similarity)
        scores.append(pose.scores[order])
        hits.append(np.array([_match(similarity[:, order], least) for least in _THRESHOLDS]))
    if not people:
        return {"oks_map": None, "oks_map50": None}
    order = np.argsort(-np.concatenate(scores), kind="stable")
    precisions = [average_precision(row[order], people) for row in np.concatenate(hits, axis=1)]
    return {"oks_map": float(np.mean(precisions)), "oks_map50": precisions[0]}


def average_precision(hits: np.ndarray, people: int) -> float:
    """Area under the curve of precision over recall, read at 101 recalls.

    Args:
        hits: `(M,)` bool by falling score: whether a found person is a labelled one.
        people: How many are labelled, at least 1.
    """
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    first = np.searchsorted(right / people, _RECALLS, side="left")
    return float(np.append(envelope, 0)[first].mean())


def _match(similarity: np.ndarray, least: float) -> np.ndarray:
    """Returns which columns, from the first to the last, find a row of their own."""
    left, hits = similarity.copy(), np.zeros(similarity.shape[1], bool)
    for found in range(len(hits) if len(left) else 0):
        best = left[:, found].argmax()
        if left[best, found] >= least:
            hits[found], left[best] = True, -1
    return hits
