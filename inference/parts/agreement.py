"""Whether joints lie on the part where they should: a check of poses by masks, and the other way.

A joint agrees where a pixel of one of its parts is near: between an elbow and the border of the
forearm are some pixels of clothes. Left and right count where the classes have sides.
"""

import numpy as np

from pose_activity.annotations.parts import TREE, PartScheme
from pose_activity.annotations.types import Poses

_SEEN = 0.5  # joints of a lower confidence are a guess
_NEAR = 0.04  # of the box's diagonal: how far a pixel of the part may be
_LIMBS = {  # joint without its side -> parts of the tree without theirs
    "shoulder": ("upper_arm", "torso"),
    "elbow": ("upper_arm", "forearm"),
    "wrist": ("forearm", "hand"),
    "hip": ("torso", "thigh"),
    "knee": ("thigh", "lower_leg"),
    "ankle": ("lower_leg", "foot"),
}
_HEAD = ("nose", "eye", "ear", "head", "head_top")


def parts_of_joint(joint: str) -> tuple[str, ...]:
    """Returns the parts of the tree that a joint may lie on; none for one that tells nothing."""
    side, _, limb = joint.rpartition("_")
    if limb in _HEAD or joint in _HEAD:
        return ("head",)
    named = (f"{side}_{part}" for part in _LIMBS.get(limb, ()))
    found = (name if name in TREE else name.removeprefix(f"{side}_") for name in named)
    return tuple(name for name in found if name in TREE)  # a joint in the middle is of no limb


def compare(mask: np.ndarray, scheme: PartScheme, poses: Poses) -> tuple[int, int]:
    """Counts the joints that do not lie on their part.

    Args:
        mask: `(H, W)` uint8 class numbers.
        scheme: Names the classes.
        poses: People in the same pixels.

    Returns:
        Joints that disagree, and joints that were compared: the sure ones inside the picture.
    """
    off = compared = 0
    height, width = mask.shape
    for box, person in zip(poses.boxes, poses.keypoints, strict=True):
        reach = max(1, round(_NEAR * float(np.hypot(*(box[2:] - box[:2])))))
        for joint, (x, y, sure) in zip(poses.skeleton.joints, person.tolist(), strict=True):
            own = {*parts_of_joint(joint)}
            inside = 0 <= x < width and 0 <= y < height
            if not own or sure < _SEEN or not inside:
                continue
            classes = [i for i, members in enumerate(scheme.members) if own & {*members}]
            left, top = max(0, round(x) - reach), max(0, round(y) - reach)
            near = mask[top : round(y) + reach + 1, left : round(x) + reach + 1]
            compared += 1
            off += not np.isin(near, classes).any()
    return off, compared
