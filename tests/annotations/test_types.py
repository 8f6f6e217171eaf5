"""Values are checked where they are born."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, Sample, no_people


def _empty() -> Sample:
    boxes, keypoints, head_sizes = no_people(COCO17)
    return Sample(Path("a.jpg"), None, COCO17, boxes, keypoints, head_sizes)


def test_a_sample_may_be_empty():
    assert len(_empty().boxes) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"boxes": np.zeros((0, 4))},
            r"a\.jpg: boxes must be float32 \(0, 4\)\. Received: float64",
        ),
        ({"boxes": np.zeros((1, 4), np.float32)}, r"keypoints must be float32 \(1, 17, 3\)"),
        (
            {"keypoints": np.zeros((0, 16, 3), np.float32)},
            r"keypoints must be float32 \(0, 17, 3\)",
        ),
        ({"head_sizes": np.zeros(2, np.float32)}, r"head_sizes must be float32 \(0,\)"),
        ({"activities": ("run",)}, r"one per person, 0 in all. Received: \('run',\)"),
    ],
)
def test_a_sample_refuses_wrong_arrays(change: dict, message: str):
    with pytest.raises(ValueError, match=message):
        replace(_empty(), **change)


@pytest.mark.parametrize(
    ("joint", "message"),
    [
        ((1, 2, 1.5), r"visibility must be in \[0, 1\]"),
        ((1, 2, -1), r"visibility must be in \[0, 1\]"),
        ((1, 0, 0), r"a missing keypoint \(v = 0\) must have x = y = 0"),
        ((np.nan, 2, 1), "keypoints must be finite"),
        ((1, 2, np.inf), "keypoints must be finite"),
    ],
)
def test_keypoints_are_checked(joint: tuple, message: str):
    keypoints = np.zeros((1, 17, 3), np.float32)
    keypoints[0, 3] = joint
    box, size = np.zeros((1, 4), np.float32), np.zeros(1, np.float32)
    with pytest.raises(ValueError, match=message):
        Sample(Path("a.jpg"), None, COCO17, box, keypoints, size)
    with pytest.raises(ValueError, match=message):
        Poses(Path("a.jpg"), (9, 9), COCO17, box, size, keypoints)


def test_poses_need_one_score_per_person():
    boxes, keypoints, _ = no_people(COCO17)
    with pytest.raises(ValueError, match=r"scores must be float32 \(0,\)"):
        Poses(Path("a.jpg"), (9, 9), COCO17, boxes, np.zeros(1, np.float32), keypoints)


def test_some_of_the_people():
    points = np.ones((3, 17, 3), np.float32)
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    heads = np.array([7, 8, 9], np.float32)
    three = Sample(Path("a"), None, COCO17, boxes, points, heads, activities=("run", None, "sit"))
    for which in ([0, 2], np.array([True, False, True]), slice(None, None, 2)):
        two = three.take(which)
        assert two.activities == ("run", "sit") and two.head_sizes.tolist() == [7, 9]
        assert two.boxes[:, 0].tolist() == [0, 8] and two.keypoints.shape == (2, 17, 3)
    assert three.take(slice(0)).activities is None
    assert _empty().take([]).activities is None
