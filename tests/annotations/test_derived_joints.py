"""Joints derived from others, against hand-computed places and MPII's own labels."""

import numpy as np
import pytest

from pose_activity.annotations.derived_joints import convert, derived_joints, joint_weights
from pose_activity.annotations.skeleton import COCO17, JHMDB15, MPII16, Skeleton
from pose_activity.annotations.types import Sample


def coco(**joints: tuple[float, float, float]) -> np.ndarray:
    points = np.zeros((1, len(COCO17), 3), np.float32)
    for name, value in joints.items():
        points[0, COCO17.index(name)] = value
    return points


def test_mpii_joints_by_hand() -> None:
    found = coco(
        left_shoulder=(30, 100, 0.9),
        right_shoulder=(10, 100, 0.8),
        left_ear=(25, 50, 0.7),
        right_ear=(15, 50, 0.3),
        left_hip=(28, 200, 1),
        right_hip=(12, 220, 0.5),
        left_knee=(5, 6, 0.25),
    )
    there = dict(zip(MPII16.joints, convert(found, COCO17, MPII16)[0], strict=True))
    assert there["pelvis"] == pytest.approx([20, 210, 0.5])
    assert there["thorax"] == pytest.approx([20, 100, 0.8])
    assert there["upper_neck"] == pytest.approx([20, 100 - 0.28 * 50, 0.3])
    assert there["head_top"] == pytest.approx([20, 100 - 1.82 * 50, 0.3])
    assert there["left_knee"] == pytest.approx([5, 6, 0.25])
    assert there["right_ankle"].tolist() == [0, 0, 0]


def test_a_joint_is_missing_where_one_that_it_is_made_of_is() -> None:
    found = coco(left_shoulder=(30, 100, 1), right_shoulder=(10, 100, 1), left_ear=(25, 50, 1))
    there = dict(zip(MPII16.joints, convert(found, COCO17, MPII16)[0], strict=True))
    assert there["thorax"][2] == 1
    assert not there["upper_neck"].any() and not there["pelvis"].any()


def test_nobody_is_converted_to_nobody() -> None:
    assert convert(np.zeros((0, 17, 3), np.float32), COCO17, MPII16).shape == (0, 16, 3)


def test_what_can_be_derived() -> None:
    assert derived_joints(COCO17, MPII16) == ("pelvis", "thorax", "upper_neck", "head_top")
    assert derived_joints(MPII16, COCO17) == ()
    assert derived_joints(JHMDB15, MPII16) == ("pelvis", "thorax")  # it has no ears


def test_a_row_of_weights_sums_to_one_or_is_empty() -> None:
    sums = joint_weights(COCO17, MPII16).sum(axis=1)
    assert sums == pytest.approx(np.ones(16))
    assert joint_weights(MPII16, COCO17).sum(axis=1).tolist() == [0] * 5 + [1] * 12


def test_pelvis_and_thorax_of_everybody_in_mpii(mpii_release: list[Sample]) -> None:
    """The other two need ears, which MPII does not label: see the photos in test_evaluate.py."""
    people = [(s.keypoints, s.head_sizes) for s in mpii_release if len(s.boxes)]
    labels, heads = (np.concatenate(part) for part in zip(*people, strict=True))
    limbs = Skeleton("limbs", tuple(j for j in MPII16.joints if j in COCO17.joints), (), ())
    derived = convert(convert(labels, MPII16, limbs), limbs, MPII16)
    for joint in ("pelvis", "thorax"):
        i = MPII16.index(joint)
        both = (labels[:, i, 2] > 0) & (derived[:, i, 2] > 0) & (heads > 0)
        distance = np.hypot(*(labels[both, i, :2] - derived[both, i, :2]).T) / heads[both]
        assert both.sum() > 16_000
        assert np.mean(distance <= 0.5) > 0.999
