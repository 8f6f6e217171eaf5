"""Body parts drawn from joints alone."""

import numpy as np
import pytest

from pose_activity.annotations.parts import TREE
from pose_activity.annotations.skeleton import COCO17, MPII16
from pose_activity.cache.bones import draw_parts, torso_length

STANDING = {  # facing the camera: the person's right is on the left; the torso is 40 long
    "nose": (50, 12),
    "left_eye": (53, 10),
    "right_eye": (47, 10),
    "left_shoulder": (62, 30),
    "right_shoulder": (38, 30),
    "left_elbow": (75, 50),
    "right_elbow": (25, 50),
    "left_wrist": (85, 70),
    "right_wrist": (15, 70),
    "left_hip": (58, 70),
    "right_hip": (42, 70),
    "left_knee": (60, 105),
    "right_knee": (40, 105),
    "left_ankle": (60, 140),
    "right_ankle": (40, 140),
}


def keypoints(joints, skeleton=COCO17):
    array = np.zeros((1, len(skeleton), 3), np.float32)
    for name, (x, y) in joints.items():
        array[0, skeleton.index(name)] = x, y, 1
    return array


@pytest.mark.parametrize(
    ("xy", "part"),
    [
        ((50, 11), "head"),
        ((50, 50), "torso"),
        ((31, 40), "right_upper_arm"),
        ((20, 60), "right_forearm"),
        ((12, 75), "right_hand"),
        ((70, 43), "left_upper_arm"),
        ((80, 60), "left_forearm"),
        ((88, 75), "left_hand"),
        ((41, 95), "right_thigh"),
        ((40, 122), "right_lower_leg"),
        ((40, 146), "right_foot"),
        ((60, 122), "left_lower_leg"),
        ((60, 146), "left_foot"),
        ((95, 5), "background"),
    ],
)
def test_a_standing_person_shows_each_part_in_its_place(xy, part):
    plane = draw_parts(keypoints(STANDING), COCO17, (160, 100))
    assert plane.dtype == np.uint8 and TREE[plane[xy[1], xy[0]]] == part


def test_limbs_are_as_wide_as_they_are_in_torso_lengths():
    leg = {"right_hip": (10, 50), "right_knee": (90, 50), "left_hip": (10, 50)}
    plane = draw_parts(keypoints(leg), COCO17, (100, 100))
    width = (plane[:, 50] == TREE.index("right_thigh")).sum()
    assert abs(width - 0.42 * 1.15 * 80) <= 3, "a thigh tells the torso's length, by 1.15"


def test_who_is_larger_lies_in_front():
    far = {name: (30 + x / 4, 40 + y / 4) for name, (x, y) in STANDING.items()}
    both = np.concatenate([keypoints(STANDING), keypoints(far)])
    alone = draw_parts(keypoints(STANDING), COCO17, (160, 100))
    together = draw_parts(both, COCO17, (160, 100))
    assert np.array_equal(together[alone > 0], alone[alone > 0])
    assert np.array_equal(together, draw_parts(both[::-1], COCO17, (160, 100)))


def test_nobody_and_unsure_joints_leave_the_plane_empty():
    nobody = np.zeros((0, 17, 3), np.float32)
    assert not draw_parts(nobody, COCO17, (8, 8)).any()
    unsure = keypoints(STANDING)
    unsure[..., 2] *= 0.19
    assert not draw_parts(unsure, COCO17, (160, 100)).any()


def test_shoulders_alone_give_a_torso_below_them():
    shoulders = {"left_shoulder": (62, 30), "right_shoulder": (38, 30)}
    plane = draw_parts(keypoints(shoulders), COCO17, (100, 100))
    assert TREE[plane[45, 50]] == "torso" and not plane[:20].any()


def test_joints_far_outside_and_other_skeletons_are_drawn():
    far = keypoints({**STANDING, "left_wrist": (1e7, -1e7)})
    assert draw_parts(far, COCO17, (160, 100)).any()
    known = {name: xy for name, xy in STANDING.items() if name in MPII16.joints}
    other = draw_parts(keypoints(known, MPII16), MPII16, (160, 100))
    assert TREE[other[50, 50]] == "torso"


def test_the_torso_is_as_long_as_the_longest_answer_says():
    joints = {name: np.array(xy, float) for name, xy in STANDING.items()}
    legs = 1.15 * float(np.hypot(2, 35))
    assert torso_length(joints) == pytest.approx(max(40, legs, 1.3 * 24))
    assert torso_length({"nose": np.zeros(2)}) == 0, "one joint has no size"
