"""How a person walks, as numbers: proportions and movement, and the body they make at a moment.

Bodies are those of `annotations.synthetic.body`, standing on the ground. Lengths are in standing
heights, angles in degrees, times in seconds. Knows no colour and no camera.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pose_activity.annotations.synthetic.body import Points, Segment, assemble


@dataclass(frozen=True)
class Gait:
    """One person's way of walking.

    Attributes:
        torso: Length.
        shoulder: Half the shoulders' width.
        hip: Half the hips' width.
        upper_arm: Length, as are the next three.
        forearm: See above.
        thigh: See above.
        shin: See above.
        cadence: Strides (two steps) a second.
        swing: How far a thigh swings ahead and back.
        lift: How far a knee bends while its foot is in the air.
        arm_swing: How far an upper arm swings ahead and back.
        arm_ahead: Where an upper arm is in the middle of its swing.
        elbow: How far an elbow is bent in the middle of the swing.
        arm_lag: How far the arms come after the legs, 360 being a stride.
        arm_spread: Of the upper arms, outward.
        lean: Of the torso, forward.
        bounce: How far the body rises and falls with each step, beyond what the legs make it.
    """

    torso: float
    shoulder: float
    hip: float
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    cadence: float
    swing: float
    lift: float
    arm_swing: float
    arm_ahead: float
    elbow: float
    arm_lag: float
    arm_spread: float
    lean: float
    bounce: float

    @property
    def speed(self) -> float:
        """Standing heights a second, such that the foot on the ground hardly slides."""
        reach = (self.thigh + self.shin) * np.sin(np.radians(self.swing))
        return float(4 * reach * self.cadence)


BONES = ("torso", "shoulder", "hip", "upper_arm", "forearm", "thigh", "shin")
# Between what people lie: lengths around those of `annotations.synthetic.body`, manners wider than
# in life, so that a small pose model sees them.
RANGES = {
    "torso": (0.26, 0.32),
    "shoulder": (0.090, 0.120),
    "hip": (0.050, 0.070),
    "upper_arm": (0.145, 0.185),
    "forearm": (0.130, 0.170),
    "thigh": (0.220, 0.270),
    "shin": (0.210, 0.260),
    "cadence": (0.65, 1.30),
    "swing": (14.0, 32.0),
    "lift": (25.0, 80.0),
    "arm_swing": (5.0, 55.0),
    "arm_ahead": (-15.0, 25.0),
    "elbow": (5.0, 95.0),
    "arm_lag": (-30.0, 30.0),
    "arm_spread": (4.0, 24.0),
    "lean": (-6.0, 20.0),
    "bounce": (0.0, 0.035),
}
_LEG_SPREAD, _STAND_BEND, _SOFT_BEND = (3.0, 2.0), 6.0, 10.0
_SOFT_AT, _LIFT_AT = 50.0, 255.0  # when a knee gives way and when it is lifted; 0: foot ahead


def gaits(count: int, rng: np.random.Generator) -> list[Gait]:
    """Makes people; each of their numbers is in a part of its range that nobody else has."""
    columns = {}
    for name, (low, high) in RANGES.items():
        shares = (rng.permutation(count) + rng.uniform(0.25, 0.75, count)) / count
        columns[name] = low + (high - low) * shares
    return [Gait(**{name: float(of[i]) for name, of in columns.items()}) for i in range(count)]


def on_a_day(gait: Gait, rng: np.random.Generator, *, scatter: float = 0.05) -> Gait:
    """Returns the gait of one walk: the same bones, moved a little differently.

    Args:
        gait: The person's own.
        rng: Decides.
        scatter: Standard deviation, in shares of a number's range.
    """
    moved = {
        name: getattr(gait, name) + scatter * (high - low) * rng.standard_normal()
        for name, (low, high) in RANGES.items()
        if name not in BONES
    }
    return replace(gait, **moved)


def body(gait: Gait, phase: float) -> Points:
    """Builds the walker at one moment of a stride.

    Args:
        gait: Whose.
        phase: Degrees: at 0 the left foot, at 180 the right one is farthest ahead.

    Returns:
        Name -> point in the body's own space, the lower ankle on the ground (up = 0) but for the
        bounce.
    """
    limbs = {}
    for side, late in (("left", 0.0), ("right", 180.0)):
        limbs[f"{side}_leg"] = _leg(gait, phase + late)
        limbs[f"{side}_arm"] = _arm(gait, phase + late + 180 - gait.arm_lag)
    points = assemble(limbs, lean=gait.lean, torso=gait.torso, shoulder=gait.shoulder, hip=gait.hip)
    # A body is highest when the legs pass each other, twice in a stride.
    rise = gait.bounce * (1 - np.cos(np.radians(2 * phase))) / 2
    ground = min(points[f"{side}_ankle"][1] for side in ("left", "right"))
    return {name: point + (0, rise - ground, 0) for name, point in points.items()}


def _leg(gait: Gait, phase: float) -> Sequence[Segment]:
    thigh = 4 + gait.swing * np.cos(np.radians(phase))
    bend = _STAND_BEND + _SOFT_BEND * _bump(phase - _SOFT_AT) + gait.lift * _bump(phase - _LIFT_AT)
    return (thigh, _LEG_SPREAD[0], gait.thigh), (thigh - bend, _LEG_SPREAD[1], gait.shin)


def _arm(gait: Gait, phase: float) -> Sequence[Segment]:
    swung = np.cos(np.radians(phase))
    upper = gait.arm_ahead + gait.arm_swing * swung
    bend = max(0.0, gait.elbow + 0.4 * gait.arm_swing * swung)
    return (
        (upper, gait.arm_spread, gait.upper_arm),
        (upper + bend, gait.arm_spread / 2, gait.forearm),
    )


def _bump(phase: float) -> float:
    """A smooth hill over the circle: 1 at 0, near 0 from 120 degrees on."""
    return float(np.exp(3.5 * (np.cos(np.radians(phase)) - 1)))
