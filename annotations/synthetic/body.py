"""Bodies in a pose: what an activity looks like as joints.

A body is built in its own space (x to its left, y up, z ahead; unit: its standing height), then
seen by a camera: image x, image y down, and depth, which grows toward the viewer. Knows no colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_Angles = tuple[float, float]  # degrees: swung forward (0 down, 90 ahead, 180 up), spread outward
_Limb = tuple[_Angles, _Angles]  # upper and lower part
Points = dict[str, np.ndarray]
Segment = tuple[float, float, float]  # of a limb: its two angles as above, and its length

_ARM_DOWN: _Limb = ((0, 9), (12, 5))
_LEG_DOWN: _Limb = ((0, 6), (-3, 4))


@dataclass(frozen=True)
class _Pose:
    """Mean angles of an activity, in degrees.

    Attributes:
        right_arm: See `_Limb`; so are the other three.
        left_arm: None means like the right one.
        right_leg: As above.
        left_leg: None means like the right one.
        lean: Of the torso, forward.
        yaw: Range of the view: 0 shows the front, 90 the right side, facing right.
    """

    right_arm: _Limb = _ARM_DOWN
    left_arm: _Limb | None = None
    right_leg: _Limb = _LEG_DOWN
    left_leg: _Limb | None = None
    lean: float = 0
    yaw: tuple[float, float] = (-30, 30)


# Upright, and most seen from the front: a small network learns such bodies in minutes.
_POSES = {
    "arms raised": _Pose(right_arm=((170, 28), (176, 12))),
    "arms spread": _Pose(right_arm=((10, 88), (10, 86))),
    "running": _Pose(
        right_arm=((-50, 8), (45, 0)),
        left_arm=((50, 8), (130, 0)),
        right_leg=((60, 3), (-25, 2)),
        left_leg=((-25, 3), (-85, 2)),
        lean=15,
        yaw=(50, 85),
    ),
    "side kick": _Pose(right_arm=((10, 35), (20, 30)), left_leg=((5, 68), (5, 66))),
    "sitting": _Pose(
        right_arm=((15, 10), (65, 2)), right_leg=((85, 8), (2, 4)), lean=-3, yaw=(45, 80)
    ),
    "standing": _Pose(),
    "star jump": _Pose(right_arm=((165, 48), (170, 46)), right_leg=((0, 34), (0, 32))),
    "waving": _Pose(right_arm=((20, 85), (172, 12)), left_arm=_ARM_DOWN),
}
ACTIVITIES = tuple(_POSES)

# Lengths in standing heights.
TORSO, _NECK, HEAD, SHOULDER, HIP = 0.29, 0.05, 0.145, 0.105, 0.06
LENGTHS = {"arm": (0.165, 0.15), "leg": (0.245, 0.235)}
JOINTS = {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle")}


def view(activity: str, rng: np.random.Generator) -> Points:
    """Views a body in a pose: name -> (image x, image y, depth), in standing heights."""
    pose = _POSES[activity]
    points = _body(pose, rng)
    seen = turn(points, yaw=rng.uniform(*pose.yaw), roll=rng.normal(0, 4))
    return _mirror(seen) if rng.random() < 0.5 else seen


def turn(points: Points, *, yaw: float, roll: float = 0.0) -> Points:
    """Views a body: name -> (image x, image y, depth), in standing heights.

    Args:
        points: In the body's own space.
        yaw: Degrees: 0 shows the front, 90 the right side, facing right; -90 the left one.
        roll: Degrees by which the picture is turned, anticlockwise.
    """
    yaw, roll = np.radians([yaw, roll])
    seen = {}
    for name, (left, up, ahead) in points.items():
        x, y = left * np.cos(yaw) + ahead * np.sin(yaw), -up
        depth = ahead * np.cos(yaw) - left * np.sin(yaw)
        turned = x * np.cos(roll) + y * np.sin(roll), y * np.cos(roll) - x * np.sin(roll)
        seen[name] = np.array([*turned, depth])
    return seen


def _mirror(points: Points) -> Points:
    """Mirrors a view: left becomes right."""
    swap = {"left": "right", "right": "left"}
    return {
        "_".join(swap.get(word, word) for word in name.split("_")): point * (-1, 1, 1)
        for name, point in points.items()
    }


def _body(pose: _Pose, rng: np.random.Generator) -> Points:
    """Builds a body, its angles and lengths scattered around the pose's."""
    lean = pose.lean + rng.normal(0, 6)
    torso = TORSO * rng.normal(1, 0.04)
    tilt = rng.normal(0, 0.12)
    limbs = {}
    for side in ("left", "right"):
        for limb, lengths in LENGTHS.items():
            angles = getattr(pose, f"{side}_{limb}") or getattr(pose, f"right_{limb}")
            limbs[f"{side}_{limb}"] = [
                (*(np.asarray(mean) + rng.normal(0, (9, 5))), length * rng.normal(1, 0.04))
                for length, mean in zip(lengths, angles, strict=True)
            ]
    return assemble(limbs, lean=lean, tilt=tilt, torso=torso)


def assemble(
    limbs: Mapping[str, Sequence[Segment]],
    *,
    lean: float,
    tilt: float = 0.0,
    torso: float = TORSO,
    shoulder: float = SHOULDER,
    hip: float = HIP,
) -> Points:
    """Builds a body in its own space, the pelvis at the origin.

    Args:
        limbs: left_arm, right_arm, left_leg, right_leg: the upper and the lower part.
        lean: Of the torso, forward, in degrees.
        tilt: Of the head, to the left, in radians.
        torso: Length, in standing heights.
        shoulder: Half the shoulders' width.
        hip: Half the hips' width.
    """
    lean = np.radians(lean)
    up, ahead = (
        np.array([0, np.cos(lean), np.sin(lean)]),
        np.array([0, -np.sin(lean), np.cos(lean)]),
    )
    left = np.array([1.0, 0, 0])
    points = {"pelvis": np.zeros(3), "thorax": up * torso}
    points["upper_neck"] = points["thorax"] + up * _NECK
    top = up * np.cos(tilt) + left * np.sin(tilt)
    points["head_top"] = points["upper_neck"] + top * HEAD
    middle = points["upper_neck"] + top * HEAD * 0.45
    points["face"] = middle + ahead * HEAD * 0.42
    for side, sign in (("left", 1), ("right", -1)):
        points[f"{side}_eye"] = middle + (ahead * 0.36 + left * sign * 0.19 + top * 0.08) * HEAD
        points[f"{side}_shoulder"] = points["thorax"] + left * sign * shoulder - up * 0.01
        points[f"{side}_hip"] = left * sign * hip
        for limb in ("arm", "leg"):
            _grow(points, side, sign, limb, limbs[f"{side}_{limb}"])
    return points


def _grow(points: Points, side: str, sign: int, limb: str, parts: Sequence[Segment]) -> None:
    """Adds a limb's lower joints, and the toes, to `points`."""
    names = [f"{side}_{joint}" for joint in JOINTS[limb]]
    forward = 0.0
    for index, (*angles, length) in enumerate(parts):
        forward, spread = np.radians(angles)
        way = np.array(
            [
                sign * np.sin(spread),
                -np.cos(spread) * np.cos(forward),
                np.cos(spread) * np.sin(forward),
            ]
        )
        points[names[index + 1]] = points[names[index]] + way * length
    if limb == "leg":
        toe = np.array([sign * 0.25, np.sin(forward), np.cos(forward)]) * 0.075
        points[f"{side}_toe"] = points[names[2]] + toe


def place(
    view: Points,
    slot: int,
    slots: int,
    horizon: int,
    shape_hw: tuple[int, int],
    rng: np.random.Generator,
) -> Points:
    """Puts a view into its share of the picture, feet on the ground: in canvas pixels.

    The extra entry "scale" is the standing height in pixels.
    """
    height, width = shape_hw
    cloud = np.array([point[:2] for point in view.values()])
    low, high = cloud.min(0) - 0.06, cloud.max(0) + 0.06
    share = width / slots
    scale = height * (rng.uniform(0.7, 0.92) if slots == 1 else rng.uniform(0.6, 0.75))
    scale = min(scale, 0.96 * share / (high - low)[0], 0.94 * height / (high - low)[1])
    extent = (high - low) * scale
    ground = max(horizon + 0.06 * height, extent[1] + 0.01 * height)
    foot = rng.uniform(ground, max(ground, 0.98 * height))
    x = slot * share + rng.uniform(0, share - extent[0])
    move = np.array([x, foot - extent[1]]) - low * scale
    placed = {name: point * scale + (*move, 0) for name, point in view.items()}
    return {**placed, "scale": np.array(scale)}
