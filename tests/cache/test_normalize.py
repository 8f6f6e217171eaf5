"""Where a body is and how large, on bodies whose numbers are known."""

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17, OPENPOSE18, Skeleton
from pose_activity.cache.normalize import crops, origins, units

TIMES = np.arange(4) / 10
TAIL = Skeleton("dog-1", ("nose", "tail"), (), ())


def body(skeleton: Skeleton, **places: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Four frames of joints that stand at `places`, and which were found."""
    joints = np.zeros((4, len(skeleton), 2))
    found = np.zeros((4, len(skeleton)), bool)
    for joint, place in places.items():
        joints[:, skeleton.index(joint)] = place
        found[:, skeleton.index(joint)] = True
    return joints, found


PAIRS = {
    "left_shoulder": (14.0, 12.0),
    "right_shoulder": (6.0, 8.0),
    "left_hip": (12.0, 40.0),
    "right_hip": (8.0, 40.0),
}


def test_the_neck_or_the_middle_of_the_shoulders_is_the_origin() -> None:
    joints, found = body(OPENPOSE18, neck=(10, 9), **PAIRS)
    assert origins(joints, found, TIMES, OPENPOSE18).tolist() == [[10, 9]] * 4
    joints, found = body(COCO17, **PAIRS)
    assert origins(joints, found, TIMES, COCO17).tolist() == [[10, 10]] * 4


def test_where_the_neck_is_missed_the_next_joints_tell_it_without_a_jump() -> None:
    joints, found = body(OPENPOSE18, neck=(10, 9), **PAIRS)
    steps = np.array([0, 5, 20, 21.0])  # the body moves on, unevenly
    joints[..., 0] += steps[:, None]
    expected = [[10 + step, 9] for step in steps]
    neck, shoulder, hip = (OPENPOSE18.index(n) for n in ("neck", "left_shoulder", "left_hip"))
    found[1:3, neck] = False
    joints[1:3, neck] = -999
    assert origins(joints, found, TIMES, OPENPOSE18).tolist() == expected  # by the shoulders
    found[2, shoulder] = False
    assert origins(joints, found, TIMES, OPENPOSE18).tolist() == expected  # by the hips
    found[2] = False
    found[2, hip] = True
    told = origins(joints, found, TIMES, OPENPOSE18)
    assert told[[0, 1, 3]].tolist() == [expected[n] for n in (0, 1, 3)]
    found[2] = False
    told = origins(joints, found, TIMES, OPENPOSE18)
    assert told[2].tolist() == pytest.approx([(15 + 31) / 2, 9])  # by time alone


def test_a_side_that_is_never_seen_leaves_the_other_one() -> None:
    joints, found = body(COCO17, left_shoulder=(14, 12), left_hip=(12, 40))
    assert origins(joints, found, TIMES, COCO17).tolist() == [[14, 12]] * 4
    length = units(joints, found, TIMES, COCO17, each_frame=False)
    np.testing.assert_allclose(length, np.hypot(2, 28))


def test_without_shoulders_it_is_the_hips_and_without_them_the_mean() -> None:
    joints, found = body(COCO17, left_hip=(12, 40), right_hip=(8, 40), nose=(9, 0))
    assert origins(joints, found, TIMES, COCO17).tolist() == [[10, 40]] * 4
    joints, found = body(TAIL, nose=(2, 3), tail=(6, 5))
    assert origins(joints, found, TIMES, TAIL).tolist() == [[4, 4]] * 4


def test_the_unit_is_the_median_torso_or_each_frames_own() -> None:
    joints, found = body(OPENPOSE18, neck=(10, 0), **PAIRS)
    hips = [OPENPOSE18.index(name) for name in ("left_hip", "right_hip")]
    joints[:, hips, 1] = np.array([30, 33, 36, 90])[:, None]
    one = units(joints, found, TIMES, OPENPOSE18, each_frame=False)
    assert one.tolist() == [34.5] * 4  # the stray 90 does not count
    found[1, hips[0]] = False
    each = units(joints, found, TIMES, OPENPOSE18, each_frame=True)
    assert each.tolist() == pytest.approx([30, 33, 36, 90])
    assert units(joints, found, TIMES, OPENPOSE18, each_frame=False)[0] == 36


@pytest.mark.parametrize("each_frame", [True, False])
def test_without_a_torso_the_unit_is_a_third_of_the_box(each_frame: bool) -> None:
    joints, found = body(OPENPOSE18, neck=(10, 0), left_knee=(40, 120), nose=(10, -15))
    lengths = units(joints, found, TIMES, OPENPOSE18, each_frame=each_frame)
    assert lengths.tolist() == pytest.approx([45] * 4)
    joints, found = body(TAIL, tail=(6, 5))
    assert units(joints, found, TIMES, TAIL, each_frame=each_frame).tolist() == [1] * 4


def test_a_torso_of_no_length_is_none() -> None:
    joints, found = body(COCO17, **{**dict.fromkeys(PAIRS, (10.0, 10.0)), "nose": (10, -5)})
    lengths = units(joints, found, TIMES, COCO17, each_frame=False)
    assert lengths.tolist() == pytest.approx([5] * 4)


def crop(joints: np.ndarray, drawn: np.ndarray, **options: bool) -> list[list[float]]:
    options = {"one_centre": False, "one_size": False, **options}
    middle, pixel = crops(joints, drawn, TIMES, np.array([20, 40]), margin=0.1, **options)
    return [[*m, p] for m, p in zip(middle.tolist(), pixel.tolist(), strict=True)]


def test_a_box_fits_with_its_margin_and_keeps_its_proportions() -> None:
    joints, drawn = body(TAIL, nose=(100, 50), tail=(140, 250))
    # 40 + 2 * 20 by 200 + 2 * 20 pixels into 20 x 40: the height decides, 240 / 40.
    assert crop(joints, drawn) == [[120, 150, 6]] * 4
    joints[..., 0] *= 10  # lying: 400 + 80 by 200 + 80, 480 / 20
    assert crop(joints, drawn) == [[1200, 150, 24]] * 4


def test_boxes_of_a_clip_follow_or_stay_and_have_one_size_or_each_their_own() -> None:
    joints, drawn = body(TAIL, nose=(100, 50), tail=(140, 250))
    joints[1:] += [1000, 0]
    joints[3, 1, 1] = 450
    drawn[2] = False
    each = crop(joints, drawn)
    assert [row[:2] for row in each] == [[120, 150], [1120, 150], [1120, 200], [1120, 250]]
    assert [row[2] for row in each] == [6, 6, 9, 12]
    assert len({row[2] for row in crop(joints, drawn, one_size=True)}) == 1
    whole = crop(joints, drawn, one_centre=True)
    assert whole == [[620, 250, (1040 + 208) / 20]] * 4


def test_a_box_without_extent_has_pixels_as_they_are() -> None:
    joints, drawn = body(TAIL, tail=(6, 5))
    for one_size in (True, False):
        assert crop(joints, drawn, one_size=one_size) == [[6, 5, 1]] * 4
