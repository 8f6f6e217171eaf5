"""Skeletons as data: joint names, left/right pairs and bones.

This is the only file that writes a joint index. Everyone else asks a `Skeleton` by joint name.
The known ones are in `SKELETONS`; `custom_skeleton` makes one from what a data set
says about its own.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Skeleton:
    """An ordered set of named joints.

    Attributes:
        name: Key in `SKELETONS`, or the name that `custom_skeleton` gives it; identifies a
            skeleton.
        joints: K joint names; a joint's position here is its index in every keypoint array.
        pairs: Left/right joint names that change places when a picture is mirrored.
        bones: Pairs of joint names that a drawing joins by a line.
    """

    name: str
    joints: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    bones: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        named = {joint for pair in (*self.pairs, *self.bones) for joint in pair}
        unknown = sorted(named - set(self.joints))
        if unknown or len(set(self.joints)) != len(self.joints):
            raise ValueError(
                f"Skeleton {self.name!r}: joint names must be unique and pairs and bones must name "
                f"its own joints. Unknown: {unknown}"
            )

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Returns the position of `joint`; raises ValueError when the skeleton has none."""
        if joint not in self.joints:
            raise ValueError(
                f"Skeleton {self.name!r} has no joint {joint!r}. It has: {self.joints}"
            )
        return self.joints.index(joint)

    @cached_property
    def flip_index(self) -> tuple[int, ...]:
        """For each joint, the joint that takes its place in a mirrored picture (an involution)."""
        swap = {a: b for pair in self.pairs for a, b in (pair, pair[::-1])}
        return tuple(self.index(swap.get(joint, joint)) for joint in self.joints)

    @cached_property
    def bone_index(self) -> tuple[tuple[int, int], ...]:
        """`bones` as index pairs."""
        return tuple((self.index(a), self.index(b)) for a, b in self.bones)

    def as_json(self) -> str | dict[str, Any]:
        """Returns the name of one of `SKELETONS`, or all of another one; see `from_json`."""
        if SKELETONS.get(self.name) == self:
            return self.name
        return {
            "name": self.name,
            "joints": list(self.joints),
            "pairs": [list(pair) for pair in self.pairs],
            "bones": [list(bone) for bone in self.bones],
        }

    @staticmethod
    def from_json(value: Any) -> "Skeleton":
        """Returns the skeleton that `as_json` described.

        Raises:
            ValueError: no such name, or no such description.
        """
        if isinstance(value, str) and value in SKELETONS:
            return SKELETONS[value]
        if not isinstance(value, dict) or not {"name", "joints", "pairs", "bones"} <= value.keys():
            raise ValueError(
                f"A skeleton is one of {list(SKELETONS)} or has a name, joints, pairs and bones. "
                f"Received: {value!r}"
            )
        pairs, bones = _pairs_of(value["pairs"]), _pairs_of(value["bones"])
        return Skeleton(value["name"], tuple(value["joints"]), pairs, bones)

    def as_text(self) -> str:
        """Returns `as_json` where only text is possible; see `from_text`."""
        value = self.as_json()
        return value if isinstance(value, str) else json.dumps(value)

    @staticmethod
    def from_text(text: str) -> "Skeleton":
        """Returns the skeleton that `as_text` described; raises ValueError as `from_json` does."""
        value: Any = text
        if text.startswith("{"):
            with suppress(json.JSONDecodeError):
                value = json.loads(text)
        return Skeleton.from_json(value)


def _sides(*parts: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"left_{part}", f"right_{part}") for part in parts)


_LIMBS = _sides("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_LIMB_BONES = tuple(
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
)

# Source: MPII Human Pose, RELEASE README, "id - joint id (0 - r ankle, ... 15 - l wrist)".
MPII16 = Skeleton(
    name="mpii16",
    joints=(
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "pelvis",
        "thorax",
        "upper_neck",
        "head_top",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ),
    pairs=_LIMBS,
    bones=(
        *_LIMB_BONES,
        ("pelvis", "right_hip"),
        ("pelvis", "left_hip"),
        ("pelvis", "thorax"),
        ("thorax", "right_shoulder"),
        ("thorax", "left_shoulder"),
        ("thorax", "upper_neck"),
        ("upper_neck", "head_top"),
    ),
)

# Source: COCO 2017 person_keypoints, categories[0].keypoints and .skeleton.
COCO17 = Skeleton(
    name="coco17",
    joints=(
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_hip",
        "right_hip",
        "left_knee",
        "right_knee",
        "left_ankle",
        "right_ankle",
    ),
    pairs=(*_LIMBS, *_sides("eye", "ear")),
    bones=(
        *_LIMB_BONES,
        ("left_hip", "right_hip"),
        ("left_shoulder", "right_shoulder"),
        ("left_shoulder", "left_hip"),
        ("right_shoulder", "right_hip"),
        ("left_eye", "right_eye"),
        ("nose", "left_eye"),
        ("nose", "right_eye"),
        ("left_eye", "left_ear"),
        ("right_eye", "right_ear"),
        ("left_ear", "left_shoulder"),
        ("right_ear", "right_shoulder"),
    ),
)

# Source: OpenPose, doc/02_output.md, "COCO" output format (18 key points).
OPENPOSE18 = Skeleton(
    name="openpose18",
    joints=(
        "nose",
        "neck",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_eye",
        "left_eye",
        "right_ear",
        "left_ear",
    ),
    pairs=(*_LIMBS, *_sides("eye", "ear")),
    bones=(
        *_LIMB_BONES,
        ("neck", "right_shoulder"),
        ("neck", "left_shoulder"),
        ("neck", "right_hip"),
        ("neck", "left_hip"),
        ("neck", "nose"),
        ("nose", "right_eye"),
        ("right_eye", "right_ear"),
        ("nose", "left_eye"),
        ("left_eye", "left_ear"),
    ),
)

# Source: OpenPose, doc/02_output.md, "BODY_25" output format (25 key points).
BODY25 = Skeleton(
    name="openpose25",
    joints=(
        "nose",
        "neck",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "mid_hip",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_eye",
        "left_eye",
        "right_ear",
        "left_ear",
        "left_big_toe",
        "left_small_toe",
        "left_heel",
        "right_big_toe",
        "right_small_toe",
        "right_heel",
    ),
    pairs=(*_LIMBS, *_sides("eye", "ear", "big_toe", "small_toe", "heel")),
    bones=(
        *_LIMB_BONES,
        ("neck", "right_shoulder"),
        ("neck", "left_shoulder"),
        ("neck", "mid_hip"),
        ("mid_hip", "right_hip"),
        ("mid_hip", "left_hip"),
        ("neck", "nose"),
        ("nose", "right_eye"),
        ("right_eye", "right_ear"),
        ("nose", "left_eye"),
        ("left_eye", "left_ear"),
        ("left_ankle", "left_big_toe"),
        ("left_big_toe", "left_small_toe"),
        ("left_ankle", "left_heel"),
        ("right_ankle", "right_big_toe"),
        ("right_big_toe", "right_small_toe"),
        ("right_ankle", "right_heel"),
    ),
)

# Source: JHMDB, README of joint_positions ("the 15 joints' order").
JHMDB15 = Skeleton(
    name="jhmdb15",
    joints=(
        "neck",
        "belly",
        "face",
        "right_shoulder",
        "left_shoulder",
        "right_hip",
        "left_hip",
        "right_elbow",
        "left_elbow",
        "right_knee",
        "left_knee",
        "right_wrist",
        "left_wrist",
        "right_ankle",
        "left_ankle",
    ),
    pairs=_LIMBS,
    bones=(
        *_LIMB_BONES,
        ("neck", "face"),
        ("neck", "belly"),
        ("neck", "right_shoulder"),
        ("neck", "left_shoulder"),
        ("belly", "right_hip"),
        ("belly", "left_hip"),
    ),
)

# Source: Penn Action, README, "The joints are ..." (13 joints).
PENN13 = Skeleton(
    name="penn13",
    joints=(
        "head",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_hip",
        "right_hip",
        "left_knee",
        "right_knee",
        "left_ankle",
        "right_ankle",
    ),
    pairs=_LIMBS,
    bones=(
        *_LIMB_BONES,
        ("head", "left_shoulder"),
        ("head", "right_shoulder"),
        ("left_shoulder", "right_shoulder"),
        ("left_shoulder", "left_hip"),
        ("right_shoulder", "right_hip"),
        ("left_hip", "right_hip"),
    ),
)

# Source: Leeds Sports Pose, README, "The ordering of the joints is as follows" (14 joints).
LSP14 = Skeleton(
    name="lsp14",
    joints=(
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "neck",
        "head_top",
    ),
    pairs=_LIMBS,
    bones=(
        *_LIMB_BONES,
        ("neck", "head_top"),
        ("neck", "right_shoulder"),
        ("neck", "left_shoulder"),
        ("right_shoulder", "right_hip"),
        ("left_shoulder", "left_hip"),
        ("right_hip", "left_hip"),
    ),
)

SKELETONS = {
    skeleton.name: skeleton
    for skeleton in (MPII16, COCO17, OPENPOSE18, BODY25, JHMDB15, PENN13, LSP14)
}


def skeleton_of_size(
    joints: int, among: Sequence[Skeleton] = tuple(SKELETONS.values())
) -> Skeleton:
    """Returns the known skeleton with so many joints; each known one has another number.

    Raises:
        ValueError: there is none.
    """
    for skeleton in among:
        if len(skeleton) == joints:
            return skeleton
    known = ", ".join(f"{len(skeleton)} ({skeleton.name})" for skeleton in among)
    raise ValueError(f"poses must have one of these numbers of joints: {known}. Received: {joints}")


_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
_HASH = re.compile(r"-[0-9a-f]{8}$")


def custom_skeleton(
    category: str,
    joints: Sequence[str],
    bones: Sequence[tuple[str, str]],
    pairs: Sequence[tuple[str, str]] | None = None,
) -> Skeleton:
    """Returns a data set's own skeleton, or the known one that has the same joints.

    Args:
        category: What it is of: "person", "dog".
        joints: In the order of the file. Case and separators do not matter for being known.
        bones: Pairs of joints; a known skeleton keeps its own.
        pairs: Left/right pairs; None infers them from the names.

    Returns:
        A known skeleton, or one named `CATEGORY-HASH` after its joints, pairs and bones.

    Raises:
        ValueError: a joint name comes twice, or pairs or bones name none of the joints.
    """
    plain = [_words(joint) for joint in joints]
    for known in SKELETONS.values():
        if plain == [_words(joint) for joint in known.joints]:
            return known
    found = _pairs_of(infer_pairs(joints) if pairs is None else pairs)
    parts = [list(joints), found, _pairs_of(bones)]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]
    return Skeleton(f"{category}-{digest}", tuple(joints), found, _pairs_of(bones))


def category_of(skeleton: Skeleton) -> str:
    """Returns the category that `custom_skeleton` was given; "person" for a known skeleton."""
    return "person" if skeleton.name in SKELETONS else _HASH.sub("", skeleton.name)


def infer_pairs(joints: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs joint names that differ in left and right alone.

    The side is a word of the name: `left_eye`, `Eye Left`, `l-eye`, `eyeR`.
    """
    sided: dict[tuple[str, ...], dict[str, str]] = {}
    for joint in joints:
        words = _words(joint)
        sides = [_SIDES[word] for word in words if word in _SIDES]
        if len(sides) == 1:
            rest = tuple("" if word in _SIDES else word for word in words)
            sided.setdefault(rest, {})[sides[0]] = joint
    return [(of["left"], of["right"]) for of in sided.values() if len(of) == 2]


def _words(joint: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(joint)]


def _pairs_of(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((a, b) for a, b in pairs)
