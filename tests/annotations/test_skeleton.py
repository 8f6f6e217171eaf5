"""Skeletons against what MPII, COCO, ultralytics and OpenPose publish."""

import json

import pytest

from pose_activity.annotations.skeleton import (
    BODY25,
    COCO17,
    JHMDB15,
    MPII16,
    OPENPOSE18,
    PENN13,
    SKELETONS,
    Skeleton,
    category_of,
    custom_skeleton,
    infer_pairs,
    skeleton_of_size,
)


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
    # OpenPose's doc/02_output.md: 8 MidHip, 11 RAnkle, 19 LBigToe, 24 RHeel.
    body25 = ("mid_hip", "right_ankle", "left_big_toe", "right_heel")
    assert [BODY25.index(j) for j in body25] == [8, 11, 19, 24]
    assert [JHMDB15.index(j) for j in ("neck", "face", "right_hip", "left_ankle")] == [0, 2, 5, 14]
    assert [PENN13.index(j) for j in ("head", "right_shoulder", "left_hip")] == [0, 2, 7]


def test_the_number_of_joints_says_which():
    assert {skeleton_of_size(len(skeleton)) for skeleton in SKELETONS.values()} == {
        *SKELETONS.values()
    }
    with pytest.raises(ValueError, match=r"17 \(coco17\), 18 \(openpose18\). Received: 25"):
        skeleton_of_size(25, (COCO17, OPENPOSE18))


def test_an_unknown_joint_is_named():
    with pytest.raises(ValueError, match=r"'coco17' has no joint 'head_top'. It has: \('nose'"):
        COCO17.index("head_top")


@pytest.mark.parametrize(
    ("joints", "bones"), [(("a", "a"), ()), (("a", "b"), (("a", "c"),))], ids=["twice", "unknown"]
)
def test_a_skeleton_names_its_own_joints(joints: tuple, bones: tuple):
    with pytest.raises(ValueError, match="joint names must be unique"):
        Skeleton("toy", joints, (), bones)


class TestForeign:
    JOINTS = ("nose", "left_paw", "right_paw")

    @pytest.mark.parametrize("skeleton", [*SKELETONS.values(), custom_skeleton("dog", JOINTS, ())])
    def test_as_json_and_back(self, skeleton: Skeleton):
        value = json.loads(json.dumps(skeleton.as_json()))
        assert Skeleton.from_json(value) == skeleton
        assert Skeleton.from_text(skeleton.as_text()) == skeleton
        assert isinstance(value, str) == (skeleton.name in SKELETONS)

    def test_an_impostor_is_written_out_whole(self):
        fake = Skeleton("coco17", ("a",), (), ())
        assert Skeleton.from_json(fake.as_json()) == fake

    @pytest.mark.parametrize("value", ["mpii99", None, {}, {"name": "x", "joints": []}, [1]])
    def test_what_is_no_skeleton(self, value: object):
        with pytest.raises(ValueError, match="A skeleton is one of .* Received: "):
            Skeleton.from_json(value)

    @pytest.mark.parametrize("text", ["mpii99", "", "{", '{"name": "x"}'])
    def test_what_is_no_text_of_a_skeleton(self, text: str):
        with pytest.raises(ValueError, match="A skeleton is one of .* Received: "):
            Skeleton.from_text(text)

    def test_the_name_tells_them_apart(self):
        made = [
            custom_skeleton("dog", self.JOINTS, ()),
            custom_skeleton("cat", self.JOINTS, ()),
            custom_skeleton("dog", self.JOINTS[::-1], ()),
            custom_skeleton("dog", self.JOINTS, (("nose", "left_paw"),)),
            custom_skeleton("dog", self.JOINTS, (), ()),
        ]
        assert len({skeleton.name for skeleton in made}) == len(made)
        assert made[0] == custom_skeleton("dog", self.JOINTS, ())
        assert [category_of(skeleton) for skeleton in made[:2]] == ["dog", "cat"]
        assert category_of(COCO17) == "person"

    @pytest.mark.parametrize("known", SKELETONS.values(), ids=SKELETONS.keys())
    def test_known_ones_are_known_in_any_spelling(self, known: Skeleton):
        for spell in (str.title, str.upper, lambda name: name.replace("_", " ")):
            assert custom_skeleton("x", [spell(joint) for joint in known.joints], ()) is known

    @pytest.mark.parametrize("known", SKELETONS.values(), ids=SKELETONS.keys())
    def test_inferred_pairs_are_the_published_ones(self, known: Skeleton):
        assert {*infer_pairs(known.joints)} == {*known.pairs}

    @pytest.mark.parametrize(
        ("left", "right"),
        [
            ("l_eye", "r_eye"),
            ("Eye-L", "Eye-R"),
            ("LeftEye", "RightEye"),
            ("eye left", "eye right"),
            ("LEye", "REye"),
            ("toe 1 left", "toe 1 right"),
        ],
    )
    def test_spellings_of_sides(self, left: str, right: str):
        others = ["leftover", "l_ear", "right", "nose", "toe 2 left"]
        assert infer_pairs([right, *others, left]) == [(left, right)]
