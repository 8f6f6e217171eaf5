"""Joints that lie on their part agree with a mask; the sides count where the classes have them."""

from pathlib import Path

import numpy as np

from pose_activity.annotations.parts import PARTS9, PARTS15, TREE, merge, swap_sides
from pose_activity.annotations.skeleton import COCO17, SKELETONS
from pose_activity.annotations.types import Poses
from pose_activity.inference.parts.agreement import compare, parts_of_joint


def person() -> tuple[np.ndarray, Poses]:
    """A mask whose squares are a part each, with a joint in the middle of every one."""
    mask, keypoints = np.zeros((40, 440), np.uint8), np.zeros((1, 17, 3), np.float32)
    for i, joint in enumerate(COCO17.joints):
        mask[5:25, 25 * i + 2 : 25 * i + 22] = TREE.index(parts_of_joint(joint)[0])
        keypoints[0, i] = 25 * i + 12, 15, 0.9
    box = np.array([[0, 0, 30, 40]], np.float32)
    return mask, Poses(Path("a"), (440, 40), COCO17, box, np.ones(1, np.float32), keypoints)


def test_every_joint_on_its_part_agrees() -> None:
    mask, poses = person()
    assert compare(mask, PARTS15, poses) == (0, 17)
    assert compare(np.zeros_like(mask), PARTS15, poses) == (17, 17)


def test_sides_count_where_there_are_any() -> None:
    mask, poses = person()
    swapped = swap_sides(mask, PARTS15)
    assert compare(swapped, PARTS15, poses) == (10, 17)  # all but the face and the hips (torso)
    assert compare(merge(swapped, PARTS15, PARTS9), PARTS9, poses) == (0, 17)


def test_unsure_joints_are_not_compared() -> None:
    mask, poses = person()
    poses.keypoints[..., 2] = 0.4
    assert compare(mask, PARTS15, poses) == (0, 0)


def test_every_joint_of_every_skeleton_has_parts_of_the_tree() -> None:
    for skeleton in SKELETONS.values():
        for joint in skeleton.joints:
            assert {*parts_of_joint(joint)} <= {*TREE}, joint
