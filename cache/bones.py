"""Body parts drawn from joints alone: no training at all.

In come float32 keypoints `(N, K, 3)` in the plane's own pixels (v = 0 is missing, and not drawn),
out goes `(H, W)` uint8: numbers of `annotations.parts.TREE`, 0 where nobody is. Widths are in
torso lengths. Knows nothing of pictures.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from pose_activity.annotations.parts import TREE
from pose_activity.annotations.skeleton import Skeleton

# Widths and diameters as shares of the torso's length, from shoulders to hips.
_WIDTHS = {
    "torso": 0.35,
    "upper_arm": 0.22,
    "forearm": 0.18,
    "hand": 0.3,
    "thigh": 0.42,
    "lower_leg": 0.3,
    "foot": 0.35,
    "head": 0.6,
}
_BEYOND = {"hand": 0.15, "foot": 0.12}  # how far past the joint their centres lie
# Torso lengths per unit of what else tells a person's size, where the torso is not seen.
_SHOULDERS, _UPPER_ARM, _LEG, _FACE, _BOX = 1.3, 1.4, 1.15, 2.2, 0.3
_Bones = tuple[tuple[str, str, str], ...]  # a part, and the joints at its ends
_LEGS: _Bones = (("thigh", "hip", "knee"), ("lower_leg", "knee", "ankle"))
_ARMS: _Bones = (("upper_arm", "shoulder", "elbow"), ("forearm", "elbow", "wrist"))
_ROOTS = ("shoulder", "hip")  # of the torso
_FACES = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top", "head", "face")
_SIDES = ("right", "left")
_SHIFT = 4  # OpenCV draws in 1/16 pixels


def draw_parts(
    keypoints: np.ndarray,
    skeleton: Skeleton,
    shape_hw: tuple[int, int],
    *,
    min_confidence: float = 0.2,
) -> np.ndarray:
    """Draws people, the smallest first: who is larger is taken to be nearer.

    Args:
        keypoints: `(N, K, 3)` float32 in the plane's pixels.
        skeleton: Names the K joints; those of other names than COCO's shoulders, elbows, wrists,
            hips, knees, ankles and faces are not used.
        shape_hw: (height, width) of the plane.
        min_confidence: Joints with a lower v are not drawn.

    Returns:
        `(height, width)` uint8 numbers of parts.
    """
    plane = np.zeros(shape_hw, np.uint8)
    limit = 8 * max(shape_hw)  # far outside points would overflow OpenCV's 16.4 fixed point
    people = []
    for person in keypoints:
        joints = {
            name: np.clip(point[:2], -limit, limit).astype(float)
            for name, point in zip(skeleton.joints, person, strict=True)
            if point[2] >= max(min_confidence, 1e-6)
        }
        if joints:
            people.append((torso_length(joints), joints))
    for unit, joints in sorted(people, key=lambda each: each[0]):
        _draw_person(plane, joints, min(unit, limit))
    return plane


def torso_length(joints: dict[str, np.ndarray]) -> float:
    """Returns how long a person's torso is in pixels: seen, or told by what else is seen.

    The longest answer is taken: what is turned away from the camera looks shorter.

    Args:
        joints: Name -> (x, y); at least one.
    """
    found = []
    ends = [[joints[f"{s}_{j}"] for s in _SIDES if f"{s}_{j}" in joints] for j in _ROOTS]
    if all(ends):
        found.append(_distance(np.mean(ends[0], 0), np.mean(ends[1], 0)))
    if len(ends[0]) == 2:
        found.append(_SHOULDERS * _distance(*ends[0]))
    for side in _SIDES:
        for share, bones in ((_UPPER_ARM, _ARMS[:1]), (_LEG, _LEGS)):
            for _, *names in bones:
                if all(f"{side}_{name}" in joints for name in names):
                    found.append(share * _distance(*(joints[f"{side}_{n}"] for n in names)))
    face = _face(joints)
    if len(face) > 1:
        found.append(_FACE * float(np.ptp(face, axis=0).max()))
    if not found:
        found.append(_BOX * float(np.ptp([*joints.values()], axis=0).max()))
    return max(found)


def _draw_person(plane: np.ndarray, joints: dict[str, np.ndarray], unit: float) -> None:
    """Draws legs, torso, head, arms: the later lies in front."""
    _draw_limbs(plane, joints, unit, _LEGS, "foot")
    _draw_torso(plane, joints, unit)
    face = _face(joints)
    if len(face):
        _disc(plane, face.mean(0), _WIDTHS["head"] * unit, TREE.index("head"))
    _draw_limbs(plane, joints, unit, _ARMS, "hand")


def _draw_limbs(
    plane: np.ndarray, joints: dict[str, np.ndarray], unit: float, bones: _Bones, end: str
) -> None:
    for side in _SIDES:
        for part, *names in bones:
            points = [joints[f"{side}_{name}"] for name in names if f"{side}_{name}" in joints]
            if len(points) == 2:
                _line(plane, points, _WIDTHS[part] * unit, TREE.index(f"{side}_{part}"))
        before, last = (joints.get(f"{side}_{name}") for name in bones[-1][1:])
        if last is not None:
            centre = last + _BEYOND[end] * unit * _direction(before, last, end)
            _disc(plane, centre, _WIDTHS[end] * unit, TREE.index(f"{side}_{end}"))


def _draw_torso(plane: np.ndarray, joints: dict[str, np.ndarray], unit: float) -> None:
    """Fills the quadrangle of shoulders and hips; below two shoulders alone, one of its length."""
    names = ("left_shoulder", "right_shoulder", "right_hip", "left_hip")
    corners = [joints[name] for name in names if name in joints]
    if len(corners) == 2 and all(name in joints for name in names[:2]):
        across = corners[1] - corners[0]
        down = np.array([-across[1], across[0]]) / max(float(np.linalg.norm(across)), 1e-6)
        down *= unit if down[1] >= 0 else -unit
        corners += [corners[1] + down, corners[0] + down]
    if len(corners) < 3:
        return
    number = TREE.index("torso")
    cv2.fillPoly(plane, [_fixed(corners)], number, cv2.LINE_8, _SHIFT)
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        _line(plane, (start, end), _WIDTHS["torso"] * unit, number)


def _face(joints: dict[str, np.ndarray]) -> np.ndarray:
    return np.array([joints[name] for name in _FACES if name in joints]).reshape(-1, 2)


def _direction(before: np.ndarray | None, last: np.ndarray, end: str) -> np.ndarray:
    """Returns the unit vector in which a limb goes on; unknown, feet hang down."""
    if before is None:
        return np.array([0.0, float(end == "foot")])
    return (last - before) / max(_distance(before, last), 1e-6)


def _line(plane: np.ndarray, points: Sequence, width: float, number: int) -> None:
    start, end = _fixed(points).tolist()
    cv2.line(plane, start, end, number, max(1, round(width)), cv2.LINE_8, _SHIFT)


def _disc(plane: np.ndarray, centre: np.ndarray, diameter: float, number: int) -> None:
    ((x, y),) = _fixed([centre]).tolist()
    radius = max(1, round(diameter / 2 * (1 << _SHIFT)))
    cv2.circle(plane, (x, y), radius, number, cv2.FILLED, cv2.LINE_8, _SHIFT)


def _fixed(points: Sequence) -> np.ndarray:
    return np.round(np.array(points) * (1 << _SHIFT)).astype(np.int32)


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b))
