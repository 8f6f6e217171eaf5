"""Foreign keypoints made ours, and skeletons brought to OpenPose's 18 joints."""

import numpy as np
import pytest

from pose_activity.annotations.convert import as_keypoints, to_openpose18
from pose_activity.annotations.skeleton import (
    BODY25,
    COCO17,
    JHMDB15,
    MPII16,
    OPENPOSE18,
    PENN13,
    Skeleton,
    custom_skeleton,
)


class TestAsKeypoints:
    def test_every_kind_of_number(self):
        values = np.array(
            [
                (1, 2, 0.5),
                (1, 2, 0),
                (1, 2, -0.5),
                (np.nan, 2, 0.5),
                (1, 1e300, 0.5),
                (1, 2, 1.5),
                (0, 0, 1),
            ]
        )
        before, notes = values.copy(), []
        made = as_keypoints(values, "a.json", notes.append)
        assert made.dtype == np.float32 and np.array_equal(values, before, equal_nan=True)
        assert made.tolist() == [[1, 2, 0.5]] + [[0, 0, 0]] * 4 + [[1, 2, 1], [0, 0, 1]]
        assert notes == [
            "a.json: 2 joints hold numbers that are not finite: missing.",
            "a.json: 1 confidences above 1, up to 1.5, count as 1.",
        ]

    def test_nothing_to_say(self):
        notes = []
        assert as_keypoints(np.zeros((0, 17, 3)), "a", notes.append).shape == (0, 17, 3)
        assert as_keypoints(np.ones((2, 3), np.float32), "a", notes.append).all() and not notes


def _numbered(skeleton: Skeleton) -> np.ndarray:
    """Joint k at (k + 1, 10 k + 1), v = 0.5 + k / 100."""
    k = np.arange(len(skeleton))
    return np.stack([k + 1, 10 * k + 1, 0.5 + k / 100], axis=-1).astype(np.float32)


class TestToOpenpose18:
    def test_the_order_that_is_published_for_coco(self):
        # The index list that converters of COCO-17 to OpenPose-18 use, without the neck.
        order = [0, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
        points = _numbered(COCO17)
        made = to_openpose18(points, COCO17)
        assert made.dtype == np.float32
        assert np.array_equal(np.delete(made, 1, axis=0), points[order])
        assert made[1].tolist() == [6.5, 56, pytest.approx(0.55)]  # joints 5 and 6

    def test_body25_is_18_joints_and_more(self):
        # OpenPose, doc/02_output.md: BODY_25 is COCO with the mid hip put in at 8, and feet.
        points = _numbered(BODY25)
        assert np.array_equal(to_openpose18(points, BODY25), np.delete(points[:19], 8, axis=0))

    def test_openpose18_stays(self):
        points = _numbered(OPENPOSE18)
        made = to_openpose18(points, OPENPOSE18)
        assert np.array_equal(made, points) and made is not points

    @pytest.mark.parametrize("skeleton", [MPII16, PENN13, JHMDB15])
    def test_what_others_lack_is_missing(self, skeleton: Skeleton):
        made = to_openpose18(_numbered(skeleton), skeleton)
        assert not made[[OPENPOSE18.index(j) for j in ("nose", "left_eye", "right_ear")]].any()
        body = [j for j in OPENPOSE18.joints if j.split("_")[0] in ("left", "right", "neck")]
        limbs = [j for j in body if not j.endswith(("eye", "ear"))]
        assert (made[[OPENPOSE18.index(j) for j in limbs], 2] > 0).all() and len(limbs) == 13

    @pytest.mark.parametrize("hidden", ["left_shoulder", "right_shoulder"])
    def test_no_neck_without_both_shoulders(self, hidden: str):
        points = np.stack([_numbered(COCO17)] * 3)
        points[1, COCO17.index(hidden)] = 0
        neck = to_openpose18(points, COCO17)[:, OPENPOSE18.index("neck")]
        assert neck[0].any() and not neck[1].any() and neck[2].any()

    def test_any_number_of_axes(self):
        assert to_openpose18(np.zeros((2, 0, 17, 3), np.float32), COCO17).shape == (2, 0, 18, 3)

    def test_other_joints(self):
        with pytest.raises(
            ValueError, match=r"of coco17 must be \(\.\.\., 17, 3\)\. Received: \(1"
        ):
            to_openpose18(np.zeros((18, 3), np.float32), COCO17)
        dog = custom_skeleton("dog", ["nose", "tail"], [])
        with pytest.raises(ValueError, match="has no joint 'left_shoulder'"):
            to_openpose18(np.zeros((2, 3), np.float32), dog)
