"""Skeletons against what MPII, COCO, ultralytics and OpenPose publish."""

import pytest

from annotations.skeleton import COCO17, MPII16, OPENPOSE18, SKELETONS, Skeleton


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS.keys())
class TestEverySkeleton:
    def test_mirroring_twice_changes_nothing(self, skeleton: Skeleton):
        flip = skeleton.flip_index
        assert [flip[i] for i in flip] == list(range(len(skeleton)))

    def test_mirroring_changes_sides_only(self, skeleton: Skeleton):
        for joint, other in zip(skeleton.joints, skeleton.flip_index, strict=True):
            side = {"left": "right", "right": "left"}.get(joint.split("_")[0])
            expected = f"{side}_{joint.split('_', 1)[1]}" if side else joint
            assert skeleton.joints[other] == expected

    def test_bones_join_all_joints(self, skeleton: Skeleton):
        reached = {0}
        for _ in skeleton.joints:
            reached |= {j for bone in skeleton.bone_index if reached & set(bone) for j in bone}
        assert reached == set(range(len(skeleton)))


def test_published_flip_orders():
    # ultralytics' coco-pose.yaml, and the MPII order that HRNet and stacked hourglass use.
    assert COCO17.flip_index == (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
    assert MPII16.flip_index == (5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10)


def test_published_joint_numbers():
    assert [MPII16.index(j) for j in ("right_ankle", "pelvis", "head_top", "left_wrist")] == [
        0,
        6,
        9,
        15,
    ]
    assert [COCO17.index(j) for j in ("nose", "left_shoulder", "right_ankle")] == [0, 5, 16]
    assert [OPENPOSE18.index(j) for j in ("neck", "right_wrist", "left_ear")] == [1, 4, 17]


def test_an_unknown_joint_is_named():
    with pytest.raises(ValueError, match=r"'coco17' has no joint 'head_top'. It has: \('nose'"):
        COCO17.index("head_top")


@pytest.mark.parametrize(
    ("joints", "bones"), [(("a", "a"), ()), (("a", "b"), (("a", "c"),))], ids=["twice", "unknown"]
)
def test_a_skeleton_names_its_own_joints(joints: tuple, bones: tuple):
    with pytest.raises(ValueError, match="joint names must be unique"):
        Skeleton("toy", joints, (), bones)
