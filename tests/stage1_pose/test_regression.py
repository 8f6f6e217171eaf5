"""Whether a fine-tuned model is worse than its start, on hand-made poses."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17, MPII16, Skeleton
from pose_activity.annotations.types import Poses, Sample
from pose_activity.stage1_pose.regression import Comparison, compare

RNG = np.random.default_rng(0)
PLACES = {
    joint: RNG.uniform(20, 180, 2) for joint in dict.fromkeys((*COCO17.joints, *MPII16.joints))
}


def labelled(skeleton: Skeleton, head: float = 20.0) -> Sample:
    points = np.array([[(*PLACES[joint], 1) for joint in skeleton.joints]], np.float32)
    boxes = np.array([[0, 0, 200, 200]], np.float32)
    return Sample(Path("x"), (200, 200), skeleton, boxes, points, np.full(1, head, np.float32))


def found(skeleton: Skeleton, off: float = 0.0, **joints: float) -> Poses:
    """The labelled person, each joint `off` pixels to the right, or as its name says."""
    moved = [(joints.get(j, off), 0) for j in skeleton.joints]
    points = np.array([[(*PLACES[j], 1) for j in skeleton.joints]], np.float32)
    points[0, :, :2] += moved
    boxes = np.array([[0, 0, 200, 200]], np.float32)
    return Poses(Path("x"), (200, 200), skeleton, boxes, np.ones(1, np.float32), points)


def compared(start: Poses, result: Poses, sample: Sample) -> Comparison:
    comparison = compare([start], [result], [sample])
    assert comparison is not None
    return comparison


def test_a_result_that_is_worse_falls_in_each_figure() -> None:
    got = compared(found(COCO17), found(COCO17, 30), labelled(COCO17))
    assert got.images == 1 and got.joints == COCO17.joints
    assert got.start["pckh50"] == 1 and got.start["oks_map"] == pytest.approx(1)
    assert got.result["pckh50"] == 0
    assert [text.split(" 1.000 -> 0.")[0] for text in got.falls] == ["PCKh@0.5", "OKS mAP"]


def test_one_that_is_better_or_as_good_does_not_fall() -> None:
    assert compared(found(COCO17, 30), found(COCO17), labelled(COCO17)).falls == []
    assert compared(found(COCO17, 3), found(COCO17, 3), labelled(COCO17)).falls == []


def test_a_fall_in_the_fourth_digit_is_none() -> None:
    values = {"pckh50": 0.8001, "oks_map": 0.5}, {"pckh50": 0.7999, "oks_map": 0.4991}
    assert Comparison(9, ("nose",), *values).falls == ["OKS mAP 0.500 -> 0.499"]


def test_only_joints_that_all_know_are_compared() -> None:
    """The result places MPII's own joints badly, which its start does not know at all."""
    result = found(MPII16, pelvis=90.0, thorax=90.0)
    got = compared(found(COCO17), result, labelled(MPII16))
    assert set(got.joints) == set(MPII16.joints) & set(COCO17.joints)
    assert got.result["pckh50"] == 1 and got.falls == []


def test_without_head_sizes_oks_alone_decides() -> None:
    got = compared(found(COCO17), found(COCO17, 30), labelled(COCO17, head=0))
    assert got.start["pckh50"] is None
    assert [text.split()[0] for text in got.falls] == ["OKS"]


def test_nothing_to_compare() -> None:
    other = Skeleton("other", ("tail",), (), ())
    points = np.ones((1, 1, 3), np.float32)
    sample = labelled(COCO17)
    strange = Sample(sample.image, sample.size, other, sample.boxes, points, sample.head_sizes)
    pose = found(COCO17)
    assert compare([pose], [pose], [strange]) is None
    assert compare([], [], []) is None
    assert compare([pose], [pose], [sample.take([])]) is None
