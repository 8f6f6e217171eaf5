"""Draws people: clothes, limbs, head and shadow, and returns which of their joints can be seen.

In come the named points of `annotations.synthetic.body` in canvas pixels; canvases are `(h, w, 3)`
uint8 BGR and are drawn on in place.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pose_activity.annotations.parts import PARTS15
from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.synthetic.backgrounds import (
    Colour,
    at,
    box,
    cloth,
    ellipse,
    hsv,
    tint,
)
from pose_activity.annotations.synthetic.body import HEAD, JOINTS, Points

_SKIN = ((170, 205, 245), (140, 180, 230), (105, 150, 205), (70, 110, 165), (50, 75, 120))
_HAIR = ((30, 30, 35), (30, 50, 90), (60, 120, 190), (90, 180, 225), (40, 70, 150), (150, 150, 155))


@dataclass(frozen=True)
class _Part:
    """A thick stroke between two points of a body, and the joints that are on it."""

    ends: tuple[str, str]
    radii: tuple[float, float]
    cloth: str
    nearer: float = 0.0  # added to the depth: decides who hides whom


def _limb_parts(side: str) -> list[_Part]:
    shoulder, elbow, wrist = (f"{side}_{joint}" for joint in JOINTS["arm"])
    hip, knee, ankle = (f"{side}_{joint}" for joint in JOINTS["leg"])
    return [
        _Part((ankle, f"{side}_toe"), (0.026, 0.020), "shoes", -0.012),
        _Part((knee, ankle), (0.036, 0.026), "shin", -0.011),
        _Part((hip, knee), (0.050, 0.038), "thigh", -0.010),
        _Part((elbow, wrist), (0.027, 0.021), "forearm", 0.022),
        _Part((wrist, wrist), (0.030, 0.030), "skin", 0.023),
        _Part((shoulder, elbow), (0.034, 0.028), "sleeve", 0.021),
    ]


_PARTS = [
    *_limb_parts("right"),
    *_limb_parts("left"),
    _Part(("left_hip", "right_hip"), (0.058, 0.058), "thigh", 0.0),
    _Part(("thorax", "upper_neck"), (0.032, 0.030), "skin", -0.002),
    _Part(("pelvis", "thorax"), (0.06, 0.06), "shirt", 0.004),
]
# The joints that are on a part, in the order of _PARTS; the head comes last.
_TRUNK = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "hip"))
_HOLDS = [
    *((*part.ends, *(_TRUNK if part.cloth == "shirt" else ()), "pelvis") for part in _PARTS),
    ("upper_neck", "head_top"),
]
# What each of them is in the tree of body parts. The hips and the neck are the torso's, as in
# PASCAL-Person-Part.
_SHOWS = np.array(
    [
        PARTS15.index(name)
        for name in (
            *(
                f"{side}_{limb}"
                for side in ("right", "left")
                for limb in ("foot", "lower_leg", "thigh", "forearm", "hand", "upper_arm")
            ),
            *("torso", "torso", "torso", "head"),
        )
    ],
    np.uint8,
)
_TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], 1)


def draw_person(
    canvas: np.ndarray, owner: np.ndarray, number: int, points: Points, wear: dict[str, Colour]
) -> None:
    """Draws a person from far to near, and notes in `owner` which part each pixel shows."""
    scale = float(points["scale"])
    base = number * (len(_PARTS) + 1)
    jobs: list[tuple[float, Callable[[], None]]] = [
        (
            float(points["head_top"][2] + points["upper_neck"][2]) / 2 + 0.012 * scale,
            lambda: _draw_head(canvas, owner, base + len(_PARTS), points, wear),
        )
    ]
    for index, part in enumerate(_PARTS):
        depth = float(points[part.ends[0]][2] + points[part.ends[1]][2]) / 2
        shade = float(np.clip(0.92 + 2.8 * depth / scale, 0.6, 1.1))

        def draw(part: _Part = part, index: int = index, shade: float = shade) -> None:
            colour = tint(wear[part.cloth], shade)
            hulls = [
                _hull(points, part, scale * grow, shift)
                for grow, shift in ((1.0, 0.0), (0.9, 0.0), (0.45, -0.35))
            ]
            for hull, tone in zip(hulls, (0.6, 1.0, 1.1), strict=True):
                cv2.fillConvexPoly(canvas, hull, tint(colour, tone), cv2.LINE_AA)
            cv2.fillConvexPoly(owner, hulls[0], base + index)

        jobs.append((depth + part.nearer * scale, draw))
    for _, job in sorted(jobs, key=lambda job: job[0]):
        job()


def _hull(points: Points, part: _Part, scale: float, shift: float) -> np.ndarray:
    """Returns the outline of a rounded stroke `(M, 1, 2)` int32; the shirt's spans the trunk."""
    ends: list[tuple[str, float]] = list(zip(part.ends, part.radii, strict=True))
    if part.cloth == "shirt":
        ends = [
            (f"{side}_{joint}", r)
            for side in ("left", "right")
            for joint, r in (("shoulder", 0.042), ("hip", 0.050))
        ] + [("thorax", 0.045)]
    rings = [points[name][:2] + (_CIRCLE + shift) * r * scale for name, r in ends]
    return cv2.convexHull(np.concatenate(rings).round().astype(np.int32))


def _draw_head(
    canvas: np.ndarray, owner: np.ndarray, number: int, points: Points, wear: dict[str, Colour]
) -> None:
    """Draws head, hair away from the face, and whichever eyes look at the viewer."""
    neck, top = points["upper_neck"][:2], points["head_top"][:2]
    length = float(points["scale"]) * HEAD
    middle = neck + (top - neck) * 0.5
    face = points["face"][:2] - middle
    angle = float(np.degrees(np.arctan2(*(top - neck)[::-1])))
    axes = np.array([0.5, 0.41]) * length

    def oval(centre: np.ndarray, grow: float, colour: Colour) -> None:
        ellipse(canvas, centre, axes * grow, colour, angle)

    oval(middle, 1.0, tint(wear["hair"], 0.6))
    oval(middle, 0.94, wear["hair"])
    away = points["face"][2] < (points["upper_neck"][2] + points["head_top"][2]) / 2 - 0.1 * length
    if not away:  # from behind it is all hair
        skull = middle + (neck - top) * 0.10 + face * 0.22
        oval(skull, 0.80, tint(wear["skin"], 0.97))
    if np.linalg.norm(face) > 0.25 * length:  # from the side a nose shows
        nose = middle + face * 1.12
        cv2.circle(canvas, at(nose), round(length * 0.07), wear["skin"], -1, cv2.LINE_AA)
    for eye in ("left_eye", "right_eye"):
        if points[eye][2] > points["face"][2] - 0.32 * length:
            cv2.circle(canvas, at(points[eye]), round(length * 0.06), (40, 30, 30), -1, cv2.LINE_AA)
    cv2.ellipse(owner, at(middle), at(axes), angle, 0, 360, number, -1)


def draw_ground(canvas: np.ndarray, points: Points, activity: str, wear: dict[str, Colour]) -> None:
    """Draws what is under a person: a shadow, and a stool if the person sits."""
    cloud = np.array([points[name][:2] for name in MPII16.joints])
    scale = float(points["scale"])
    left, right, low = cloud[:, 0].min(), cloud[:, 0].max(), cloud[:, 1].max() + 0.03 * scale
    reach = ((right - left) / 2 + 0.05 * scale, 0.035 * scale)
    strip = canvas[max(0, int(low - 0.04 * scale)) : int(low + 0.04 * scale) + 1]
    dark = strip.copy()
    middle = (left + right) / 2, min(low, 0.04 * scale)
    ellipse(dark, middle, reach, (20, 20, 20))
    cv2.addWeighted(dark, 0.4, strip, 0.6, 0, dst=strip)
    if activity == "sitting":
        x, y = points["pelvis"][:2]
        corner = np.array([x - 0.12 * scale, y + 0.05 * scale])
        box(canvas, corner, (x + 0.12 * scale, low), wear["stool"])


def wardrobe(rng: np.random.Generator) -> dict[str, Colour]:
    """Chooses a person's colours (BGR) by part."""
    skin = _SKIN[rng.integers(len(_SKIN))]
    shirt, trousers = cloth(rng), cloth(rng)
    long_sleeves, long_trousers = rng.random(2) < (0.4, 0.65)
    return {
        "skin": skin,
        "hair": _HAIR[rng.integers(len(_HAIR))],
        "shirt": shirt,
        "sleeve": shirt,
        "forearm": shirt if long_sleeves else skin,
        "thigh": trousers,
        "shin": trousers if long_trousers else skin,
        "shoes": cloth(rng),
        "stool": hsv(rng.uniform(8, 25), rng.uniform(80, 160), rng.uniform(90, 180)),
    }


def seen(points: Points, owner: np.ndarray, number: int) -> np.ndarray:
    """Returns which joints can be seen: `(16,)` bool; false where a part without it was drawn."""
    visible = np.ones(len(MPII16), bool)
    for index, name in enumerate(MPII16.joints):
        x, y = points[name][:2]
        who, part = divmod(int(owner[int(y), int(x)]), len(_PARTS) + 1)
        visible[index] = who < 0 or (who == number and name in _HOLDS[part])
    return visible


def parts_shown(owner: np.ndarray) -> np.ndarray:
    """Returns the body part that each pixel shows, uint8 numbers of `PARTS15`.

    Args:
        owner: As `draw_person` left it: below 0 where nobody is.
    """
    return np.where(owner < 0, np.uint8(0), _SHOWS[owner % len(_SHOWS)])
