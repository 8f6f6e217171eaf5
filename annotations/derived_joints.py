"""Joints of one skeleton from those of another: taken over by name, or derived from others.

In come keypoints of one skeleton, out come those of another, in the same pixels. A derived joint is
a weighted sum of joints, so that a network's last layer can derive it as well. The rules are an
approximation, made to compare and draw COCO's 17 joints where MPII's 16 are labelled:

| joint | where it is | how well |
|---|---|---|
| pelvis | middle of the hips | within half a head of the label for 99.9 % of MPII's people |
| thorax | middle of the shoulders | the same, 99.9 % |
| upper_neck | .28 of the way from the shoulders' middle to the ears' | 100 % of 47 people |
| head_top | 1.82 times that way | 91 % of 47 people |

The first two were compared on the labels of 16,813 people. MPII labels no ears, so the ways to neck
and head top were fitted (least absolute deviations, judged leaving one out) on what the pretrained
YOLOv8n-pose finds in 47 photos of MPII whose labels it agrees with. Both assume that the head goes
on in the direction from shoulders to ears: they are wrong for a head that is bent far to the front.
"""

from collections.abc import Mapping

import numpy as np

from pose_activity.annotations.skeleton import Skeleton

_SHOULDERS, _EARS = ("left_shoulder", "right_shoulder"), ("left_ear", "right_ear")
_NECK, _TOP = 0.28, 1.82  # of the way from the middle of the shoulders to that of the ears


def _along(way: float) -> dict[str, float]:
    """Returns weights of the point at `way` from the shoulders' middle to the ears'."""
    return dict.fromkeys(_SHOULDERS, (1 - way) / 2) | dict.fromkeys(_EARS, way / 2)


_RULES: Mapping[str, Mapping[str, float]] = {
    "pelvis": {"left_hip": 0.5, "right_hip": 0.5},
    "thorax": _along(0),
    "upper_neck": _along(_NECK),
    "head_top": _along(_TOP),
}


def derived_joints(source: Skeleton, target: Skeleton) -> tuple[str, ...]:
    """Returns the joints of `target` that `source` has not, but whose rule it can follow."""
    return tuple(
        joint for joint in target.joints if joint not in source.joints and _sources(source, joint)
    )


def joint_weights(source: Skeleton, target: Skeleton) -> np.ndarray:
    """Returns how joints of `target` are made of those of `source`.

    Returns:
        `(K_target, K_source)` float64: a row sums to 1, or is all zero for a joint that is neither
        taken over nor derived.
    """
    weights = np.zeros((len(target), len(source)))
    for row, joint in zip(weights, target.joints, strict=True):
        for name, weight in _sources(source, joint).items():
            row[source.index(name)] = weight
    return weights


def convert(keypoints: np.ndarray, source: Skeleton, target: Skeleton) -> np.ndarray:
    """Returns keypoints in another skeleton.

    Args:
        keypoints: `(N, K_source, 3)` float32.
        source: Names their joints.
        target: Names the joints that are wanted.

    Returns:
        `(N, K_target, 3)` float32. A derived joint has the lowest v of those that it is made of,
        and is missing where one of them is.
    """
    weights = joint_weights(source, target)
    xy = np.einsum("ts,nsc->ntc", weights, keypoints[..., :2])
    used = (weights != 0)[None]
    v = np.where(used, keypoints[:, None, :, 2], 1).min(axis=2, initial=1)
    v *= used.any(axis=2)
    there = v[..., None] > 0
    return np.where(there, np.concatenate([xy, v[..., None]], axis=2), 0).astype(np.float32)


def _sources(skeleton: Skeleton, joint: str) -> Mapping[str, float]:
    """Returns joint -> weight of what `joint` is made of; empty where the skeleton lacks it."""
    if joint in skeleton.joints:
        return {joint: 1.0}
    rule = {name: weight for name, weight in _RULES.get(joint, {}).items() if weight}
    return rule if set(rule) <= set(skeleton.joints) else {}
