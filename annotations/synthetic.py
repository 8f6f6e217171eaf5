"""Draws a small MPII-shaped data set: people whose pose is known, because it came first.

Out come `images/*.jpg`, `release.mat` (MPII's official RELEASE layout) and `faults.json` (which
file names carry which injected fault). Two pictures in a row make a clip: same scene, clothes and
activity, another pose. The same seed draws the same bytes.

A body is built in its own space (x to its left, y up, z ahead; unit: its standing height), then
seen by a camera: image x, image y down, and depth, which grows toward the viewer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.io import savemat

from annotations.skeleton import MPII16
from artifacts.atomic import write_bytes, write_json

_ZOOM = 2  # pictures are drawn this much larger and then shrunk: smooth edges
_CLIP = 2  # pictures of one clip

# Fault -> number of pictures that carry it. A picture carries at most one.
FAULTS = {
    "negative_joint": 2,
    "outside_joint": 2,
    "no_annorect": 2,
    "empty_annopoints": 2,
    "no_activity": 2,
    "no_head_top": 2,
    "no_ankles": 2,
    "empty_file": 1,
    "truncated_file": 1,
    "missing_file": 1,
}

_Angles = tuple[float, float]  # degrees: swung forward (0 down, 90 ahead, 180 up), spread outward
_Limb = tuple[_Angles, _Angles]  # upper and lower part
_Points = dict[str, np.ndarray]
_Colour = tuple[int, int, int]

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
        roll: Of the whole picture; 90 lies on the back.
    """

    right_arm: _Limb = _ARM_DOWN
    left_arm: _Limb | None = None
    right_leg: _Limb = _LEG_DOWN
    left_leg: _Limb | None = None
    lean: float = 0
    yaw: tuple[float, float] = (-40, 40)
    roll: float = 0


_POSES = {
    "arms raised": _Pose(right_arm=((170, 28), (176, 12))),
    "bowing": _Pose(right_arm=((25, 4), (10, 3)), lean=85, yaw=(50, 90)),
    "lying": _Pose(roll=90, yaw=(60, 90)),
    "running": _Pose(
        right_arm=((-50, 8), (45, 0)),
        left_arm=((50, 8), (130, 0)),
        right_leg=((60, 3), (-25, 2)),
        left_leg=((-25, 3), (-85, 2)),
        lean=15,
        yaw=(55, 90),
    ),
    "sitting": _Pose(
        right_arm=((15, 10), (65, 2)), right_leg=((85, 8), (2, 4)), lean=-3, yaw=(45, 85)
    ),
    "squatting": _Pose(
        right_arm=((85, 8), (92, 4)), right_leg=((105, 14), (-32, 8)), lean=28, yaw=(40, 85)
    ),
    "standing": _Pose(),
    "waving": _Pose(right_arm=((20, 85), (172, 12)), left_arm=_ARM_DOWN),
}
ACTIVITIES = tuple(_POSES)

# Lengths in standing heights.
_TORSO, _NECK, _HEAD, _SHOULDER, _HIP = 0.29, 0.05, 0.145, 0.105, 0.06
_LENGTHS = {"arm": (0.165, 0.15), "leg": (0.245, 0.235)}
_JOINTS = {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle")}


@dataclass(frozen=True)
class _Part:
    """A thick stroke between two points of a body, and the joints that lie on it."""

    ends: tuple[str, str]
    radii: tuple[float, float]
    cloth: str
    nearer: float = 0.0  # added to the depth: decides who hides whom


@dataclass(eq=False)
class _Person:
    """A drawn person: `(16, 3)` joints x, y, visible (1 or 0); NaN where the label is left out."""

    joints: np.ndarray
    height: float


@dataclass(eq=False)
class _Record:
    """One picture's label, before it becomes MATLAB structs."""

    name: str
    clip: int
    activity: str | None
    people: list[_Person] = field(default_factory=list)
    annorect: bool = True
    annopoints: bool = True


def write(
    folder: Path,
    *,
    images: int,
    size: tuple[int, int],
    seed: int,
    faults: bool = True,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Path:
    """Draws the data set.

    Args:
        folder: Gets `images/`, `faults.json` and, last, `release.mat`.
        images: How many pictures; with faults at least the sum of `FAULTS`.
        size: (width, height) of a picture in pixels, each at least 64.
        seed: Decides everything.
        faults: Whether to inject the faults of `FAULTS`.
        on_progress: Called with (done, total, text).

    Returns:
        Path of `release.mat`.

    Raises:
        ValueError: too few or too small pictures.
    """
    least = sum(FAULTS.values()) if faults else 1
    if images < least or min(size) < 64:
        raise ValueError(
            f"A drawn data set needs images >= {least}{' (one per fault)' if faults else ''} and a "
            f"size of at least 64x64. Received: images={images}, size={size}"
        )
    (folder / "images").mkdir(parents=True, exist_ok=True)
    chosen = _choose_faults(images, seed) if faults else {}
    records = []
    for index in range(images):
        image, record = _picture(index, size, seed)
        _write_image(folder / "images" / record.name, image, chosen.get(index))
        _spoil_label(record, chosen.get(index), size)
        records.append(record)
        if on_progress:
            on_progress(index + 1, images, record.name)
    names = {fault: [] for fault in FAULTS}
    for index, fault in sorted(chosen.items()):
        names[fault].append(records[index].name)
    write_json(folder / "faults.json", names)
    write_bytes(folder / "release.mat", _release(records))
    return folder / "release.mat"


# --- faults -----------------------------------------------------------------------------------


def _choose_faults(images: int, seed: int) -> dict[int, str]:
    kinds = [fault for fault, count in FAULTS.items() for _ in range(count)]
    order = np.random.default_rng([seed, 2]).permutation(images)
    return dict(zip(order.tolist(), kinds, strict=False))


def _write_image(path: Path, image: np.ndarray, fault: str | None) -> None:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    if fault == "missing_file":
        path.unlink(missing_ok=True)  # an earlier run with another seed may have written it
    elif fault == "empty_file":
        path.write_bytes(b"")
    else:
        path.write_bytes(data[: len(data) // 2] if fault == "truncated_file" else data)


def _spoil_label(record: _Record, fault: str | None, size: tuple[int, int]) -> None:
    joints = record.people[0].joints
    if fault == "negative_joint":
        joints[MPII16.index("right_wrist"), 0] = -7
    elif fault == "outside_joint":
        joints[MPII16.index("left_elbow"), :2] = size[0] + 5, size[1] + 9
    elif fault == "no_annorect":
        record.annorect = False
    elif fault == "empty_annopoints":
        record.annopoints = False
    elif fault == "no_activity":
        record.activity = None
    elif fault == "no_head_top":
        joints[MPII16.index("head_top")] = np.nan
    elif fault == "no_ankles":
        joints[[MPII16.index("left_ankle"), MPII16.index("right_ankle")]] = np.nan


# --- one picture ------------------------------------------------------------------------------


def _picture(index: int, size: tuple[int, int], seed: int) -> tuple[np.ndarray, _Record]:
    """Draws picture `index`: `(h, w, 3)` uint8 BGR and its label, which knows every joint."""
    clip = index // _CLIP
    scene, rng = np.random.default_rng([seed, 0, clip]), np.random.default_rng([seed, 1, index])
    activity = ACTIVITIES[clip % len(ACTIVITIES)]
    width, height = size
    canvas = np.zeros((height * _ZOOM, width * _ZOOM, 3), np.uint8)
    horizon = round(canvas.shape[0] * scene.uniform(0.4, 0.62))
    _SCENES[scene.integers(len(_SCENES))](canvas, horizon, scene)
    count = 1 + (scene.random() < 0.25)
    wardrobes = [_wardrobe(scene) for _ in range(count)]
    bodies = [
        _place(_view(activity, rng), slot, count, horizon, canvas.shape[:2], rng)
        for slot in range(count)
    ]
    owner = np.full(canvas.shape[:2], -1, np.int16)
    for points, wear in zip(bodies, wardrobes, strict=True):
        _draw_ground(canvas, points, activity, wear)
    for number, (points, wear) in enumerate(zip(bodies, wardrobes, strict=True)):
        _draw_person(canvas, owner, number, points, wear)
    people = [_label(points, owner, number) for number, points in enumerate(bodies)]
    record = _Record(f"{index + 1:09d}.jpg", clip + 1, activity, people)
    return _develop(canvas, size, rng), record


def _label(points: _Points, owner: np.ndarray, number: int) -> _Person:
    """Reads a person's joints off the body; a joint is hidden where a part without it was drawn."""
    joints = np.ones((len(MPII16), 3))
    for index, name in enumerate(MPII16.joints):
        x, y = points[name][:2]
        who, part = divmod(int(owner[int(y), int(x)]), len(_PARTS) + 1)
        hidden = who >= 0 and not (who == number and name in _HOLDS[part])
        joints[index] = x / _ZOOM, y / _ZOOM, float(not hidden)
    return _Person(joints.round(2), float(points["scale"]) / _ZOOM)


def _develop(canvas: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Shrinks, brightens or darkens a little, and adds grain."""
    image = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    image = cv2.convertScaleAbs(image, alpha=rng.uniform(0.85, 1.1))
    grain = (rng.standard_normal(image.shape[:2], np.float32) * 3).astype(np.int16)
    return cv2.add(image, cv2.merge([grain] * 3), dtype=cv2.CV_8U)


# --- a body -----------------------------------------------------------------------------------


def _view(activity: str, rng: np.random.Generator) -> _Points:
    """Takes up a pose and looks at it: name -> (image x, image y, depth), in standing heights."""
    pose = _POSES[activity]
    points = _body(pose, rng)
    yaw, roll = np.radians([rng.uniform(*pose.yaw), pose.roll + rng.normal(0, 4)])
    seen = {}
    for name, (left, up, ahead) in points.items():
        x, y = left * np.cos(yaw) + ahead * np.sin(yaw), -up
        depth = ahead * np.cos(yaw) - left * np.sin(yaw)
        turned = x * np.cos(roll) + y * np.sin(roll), y * np.cos(roll) - x * np.sin(roll)
        seen[name] = np.array([*turned, depth])
    return _mirror(seen) if rng.random() < 0.5 else seen


def _mirror(points: _Points) -> _Points:
    """Mirrors a view: left becomes right."""
    swap = {"left": "right", "right": "left"}
    return {
        "_".join(swap.get(word, word) for word in name.split("_")): point * (-1, 1, 1)
        for name, point in points.items()
    }


def _body(pose: _Pose, rng: np.random.Generator) -> _Points:
    """Builds a body in its own space, its angles and lengths scattered around the pose's."""
    lean = np.radians(pose.lean + rng.normal(0, 6))
    up, ahead = (
        np.array([0, np.cos(lean), np.sin(lean)]),
        np.array([0, -np.sin(lean), np.cos(lean)]),
    )
    left = np.array([1.0, 0, 0])
    points = {"pelvis": np.zeros(3), "thorax": up * _TORSO * rng.normal(1, 0.04)}
    points["upper_neck"] = points["thorax"] + up * _NECK
    tilt = rng.normal(0, 0.12)
    top = up * np.cos(tilt) + left * np.sin(tilt)
    points["head_top"] = points["upper_neck"] + top * _HEAD
    middle = points["upper_neck"] + top * _HEAD * 0.45
    points["face"] = middle + ahead * _HEAD * 0.42
    for side, sign in (("left", 1), ("right", -1)):
        points[f"{side}_eye"] = middle + (ahead * 0.36 + left * sign * 0.19 + top * 0.08) * _HEAD
        points[f"{side}_shoulder"] = points["thorax"] + left * sign * _SHOULDER - up * 0.01
        points[f"{side}_hip"] = left * sign * _HIP
        for limb in ("arm", "leg"):
            angles = getattr(pose, f"{side}_{limb}") or getattr(pose, f"right_{limb}")
            _grow(points, side, sign, limb, angles, rng)
    return points


def _grow(
    points: _Points, side: str, sign: int, limb: str, angles: _Limb, rng: np.random.Generator
) -> None:
    """Adds a limb's lower joints, and the toes, to `points`."""
    names = [f"{side}_{joint}" for joint in _JOINTS[limb]]
    forward = 0.0
    for index, (length, mean) in enumerate(zip(_LENGTHS[limb], angles, strict=True)):
        forward, spread = np.radians(np.asarray(mean) + rng.normal(0, (9, 5)))
        way = np.array(
            [
                sign * np.sin(spread),
                -np.cos(spread) * np.cos(forward),
                np.cos(spread) * np.sin(forward),
            ]
        )
        points[names[index + 1]] = points[names[index]] + way * length * rng.normal(1, 0.04)
    if limb == "leg":
        toe = np.array([sign * 0.25, np.sin(forward), np.cos(forward)]) * 0.075
        points[f"{side}_toe"] = points[names[2]] + toe


def _place(
    view: _Points,
    slot: int,
    slots: int,
    horizon: int,
    shape_hw: tuple[int, int],
    rng: np.random.Generator,
) -> _Points:
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


# --- drawing ----------------------------------------------------------------------------------


def _limb_parts(side: str) -> list[_Part]:
    shoulder, elbow, wrist = (f"{side}_{joint}" for joint in _JOINTS["arm"])
    hip, knee, ankle = (f"{side}_{joint}" for joint in _JOINTS["leg"])
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
# The joints that lie on a part, in the order of _PARTS; the head comes last.
_TRUNK = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "hip"))
_HOLDS = [
    *((*part.ends, *(_TRUNK if part.cloth == "shirt" else ()), "pelvis") for part in _PARTS),
    ("upper_neck", "head_top"),
]


def _draw_person(
    canvas: np.ndarray, owner: np.ndarray, number: int, points: _Points, wear: dict[str, _Colour]
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
            colour = _shade(wear[part.cloth], shade)
            hulls = [
                _hull(points, part, scale * grow, shift)
                for grow, shift in ((1.0, 0.0), (0.9, 0.0), (0.45, -0.35))
            ]
            for hull, tone in zip(hulls, (0.6, 1.0, 1.1), strict=True):
                cv2.fillConvexPoly(canvas, hull, _shade(colour, tone), cv2.LINE_AA)
            cv2.fillConvexPoly(owner, hulls[0], base + index)

        jobs.append((depth + part.nearer * scale, draw))
    for _, job in sorted(jobs, key=lambda job: job[0]):
        job()


def _hull(points: _Points, part: _Part, scale: float, shift: float) -> np.ndarray:
    """Returns the outline of a rounded stroke `(M, 1, 2)` int32; the shirt's spans the trunk."""
    ends: list[tuple[str, float]] = list(zip(part.ends, part.radii, strict=True))
    if part.cloth == "shirt":
        ends = [
            (f"{side}_{joint}", r)
            for side in ("left", "right")
            for joint, r in (("shoulder", 0.042), ("hip", 0.050))
        ] + [("thorax", 0.045)]
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    rings = [points[name][:2] + (circle + shift) * r * scale for name, r in ends]
    return cv2.convexHull(np.concatenate(rings).round().astype(np.int32))


def _draw_head(
    canvas: np.ndarray, owner: np.ndarray, number: int, points: _Points, wear: dict[str, _Colour]
) -> None:
    """Draws head, hair away from the face, and whichever eyes look at the viewer."""
    neck, top = points["upper_neck"][:2], points["head_top"][:2]
    length = float(points["scale"]) * _HEAD
    middle = neck + (top - neck) * 0.5
    face = points["face"][:2] - middle
    angle = float(np.degrees(np.arctan2(*(top - neck)[::-1])))
    axes = np.array([0.5, 0.41]) * length

    def oval(centre: np.ndarray, grow: float, colour: _Colour) -> None:
        _ellipse(canvas, centre, axes * grow, colour, angle)

    oval(middle, 1.0, _shade(wear["hair"], 0.6))
    oval(middle, 0.94, wear["hair"])
    skull = middle + (neck - top) * 0.10 + face * 0.22
    oval(skull, 0.80, _shade(wear["skin"], 0.97))
    if np.linalg.norm(face) > 0.25 * length:  # from the side a nose shows
        nose = middle + face * 1.12
        cv2.circle(canvas, _at(nose), round(length * 0.07), wear["skin"], -1, cv2.LINE_AA)
    for eye in ("left_eye", "right_eye"):
        if points[eye][2] > points["face"][2] - 0.32 * length:
            cv2.circle(
                canvas, _at(points[eye]), round(length * 0.06), (40, 30, 30), -1, cv2.LINE_AA
            )
    cv2.ellipse(owner, _at(middle), _at(axes), angle, 0, 360, number, -1)


def _draw_ground(
    canvas: np.ndarray, points: _Points, activity: str, wear: dict[str, _Colour]
) -> None:
    """Draws what lies under a person: a shadow, and a stool for who sits."""
    cloud = np.array([points[name][:2] for name in MPII16.joints])
    scale = float(points["scale"])
    left, right, low = cloud[:, 0].min(), cloud[:, 0].max(), cloud[:, 1].max() + 0.03 * scale
    reach = ((right - left) / 2 + 0.05 * scale, 0.035 * scale)
    strip = canvas[max(0, int(low - 0.04 * scale)) : int(low + 0.04 * scale) + 1]
    dark = strip.copy()
    middle = (left + right) / 2, min(low, 0.04 * scale)
    _ellipse(dark, middle, reach, (20, 20, 20))
    cv2.addWeighted(dark, 0.4, strip, 0.6, 0, dst=strip)
    if activity == "sitting":
        x, y = points["pelvis"][:2]
        corner = np.array([x - 0.12 * scale, y + 0.05 * scale])
        _box(canvas, corner, (x + 0.12 * scale, low), wear["stool"])


def _wardrobe(rng: np.random.Generator) -> dict[str, _Colour]:
    """Chooses a person's colours (BGR) by part."""
    skin = _SKIN[rng.integers(len(_SKIN))]
    shirt, trousers = _cloth(rng), _cloth(rng)
    long_sleeves, long_trousers = rng.random(2) < (0.4, 0.65)
    return {
        "skin": skin,
        "hair": _HAIR[rng.integers(len(_HAIR))],
        "shirt": shirt,
        "sleeve": shirt,
        "forearm": shirt if long_sleeves else skin,
        "thigh": trousers,
        "shin": trousers if long_trousers else skin,
        "shoes": _cloth(rng),
        "stool": _hsv(rng.uniform(8, 25), rng.uniform(80, 160), rng.uniform(90, 180)),
    }


_SKIN = ((170, 205, 245), (140, 180, 230), (105, 150, 205), (70, 110, 165), (50, 75, 120))
_HAIR = ((30, 30, 35), (30, 50, 90), (60, 120, 190), (90, 180, 225), (40, 70, 150), (150, 150, 155))


def _cloth(rng: np.random.Generator) -> _Colour:
    return _hsv(rng.uniform(0, 180), rng.uniform(40, 230), rng.uniform(60, 245))


def _hsv(hue: float, saturation: float, value: float) -> _Colour:
    pixel = np.array([[[hue % 180, saturation, value]]]).round().astype(np.uint8)
    blue, green, red = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0].tolist()
    return blue, green, red


def _shade(colour: _Colour, factor: float) -> _Colour:
    blue, green, red = (min(255, round(channel * factor)) for channel in colour)
    return blue, green, red


def _at(point: np.ndarray | tuple[float, float]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _ellipse(
    canvas: np.ndarray, centre: Any, axes: Any, colour: _Colour, angle: float = 0.0
) -> None:
    cv2.ellipse(canvas, _at(centre), _at(axes), angle, 0, 360, colour, -1, cv2.LINE_AA)


def _box(canvas: np.ndarray, corner: Any, opposite: Any, colour: _Colour) -> None:
    cv2.rectangle(canvas, _at(corner), _at(opposite), colour, -1)
    cv2.rectangle(canvas, _at(corner), _at(opposite), _shade(colour, 0.6), _ZOOM)


# --- scenes -----------------------------------------------------------------------------------


def _gradient(canvas: np.ndarray, top: int, bottom: int, start: _Colour, end: _Colour) -> None:
    """Fills rows top..bottom from colour `start` to `end`."""
    ramp = np.linspace(0, 1, bottom - top)[:, None, None]
    rows = np.asarray(start) * (1 - ramp) + np.asarray(end) * ramp
    size = canvas.shape[1], bottom - top
    canvas[top:bottom] = cv2.resize(rows.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)


def _meadow(canvas: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    hue = rng.uniform(95, 115)
    _gradient(canvas, 0, horizon, _hsv(hue, 150, 225), _hsv(hue, 50, 250))
    for _ in range(rng.integers(1, 5)):
        x, y = rng.uniform(0, width), rng.uniform(0, horizon * 0.6)
        for step in range(4):
            puff = rng.uniform(0.02, 0.05) * width
            _ellipse(canvas, (x + step * 0.03 * width, y), (puff, puff * 0.6), (248, 245, 242))
    for _ in range(rng.integers(2, 5)):
        reach = rng.uniform((0.15, 0.08), (0.4, 0.25)) * (width, height)
        tone = _hsv(rng.uniform(35, 75), rng.uniform(60, 130), rng.uniform(90, 170))
        _ellipse(canvas, (rng.uniform(0, width), horizon), reach, tone)
    ground = rng.uniform(25, 60)
    _gradient(canvas, horizon, height, _hsv(ground, 120, 180), _hsv(ground, 140, 110))
    for _ in range(rng.integers(1, 6)):
        _tree(canvas, rng.uniform(0, width), horizon, rng)


def _tree(canvas: np.ndarray, x: float, horizon: int, rng: np.random.Generator) -> None:
    tall = rng.uniform(0.15, 0.4) * canvas.shape[0]
    foot = horizon + rng.uniform(0, 0.12) * canvas.shape[0]
    _box(canvas, (x - tall * 0.05, foot - tall * 0.6), (x + tall * 0.05, foot), (50, 75, 105))
    tone = _hsv(rng.uniform(30, 75), rng.uniform(120, 200), rng.uniform(70, 160))
    for _ in range(6):
        spot = np.array([x, foot - tall * 0.7]) + rng.normal(0, 0.12, 2) * tall
        _ellipse(canvas, spot, (tall * 0.2, tall * 0.2), _shade(tone, rng.uniform(0.85, 1.15)))


def _street(canvas: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    hue = rng.uniform(0, 180)
    _gradient(canvas, 0, horizon, _hsv(hue, 70, 200), _hsv(hue, 25, 245))
    x = -rng.uniform(0, 0.1) * width
    while x < width:
        wide, roof = rng.uniform(0.1, 0.24) * width, horizon * rng.uniform(0.05, 0.6)
        wall = _hsv(rng.uniform(0, 180), rng.uniform(10, 90), rng.uniform(80, 210))
        _box(canvas, (x, roof), (x + wide, horizon), wall)
        pane = _shade(wall, rng.choice((0.65, 1.25)))
        for row in np.arange(roof + 0.03 * height, horizon - 0.06 * height, 0.09 * height):
            for column in np.arange(x + 0.015 * width, x + wide - 0.03 * width, 0.05 * width):
                end = column + 0.025 * width, row + 0.05 * height
                cv2.rectangle(canvas, _at((column, row)), _at(end), pane, -1)
        x += wide
    grey = rng.uniform(90, 170)
    _gradient(canvas, horizon, height, _hsv(hue, 12, grey + 40), _hsv(hue, 12, grey))
    for _ in range(rng.integers(0, 4)):
        pole = rng.uniform(0, width)
        foot = horizon + rng.uniform(0.02, 0.1) * height
        _box(canvas, (pole, foot - 0.45 * height), (pole + 0.012 * width, foot), _cloth(rng))


def _room(canvas: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    wall = _hsv(rng.uniform(0, 180), rng.uniform(10, 110), rng.uniform(140, 245))
    _gradient(canvas, 0, horizon, wall, _shade(wall, 0.85))
    if rng.random() < 0.5:
        step = rng.uniform(0.04, 0.12) * width
        for x in np.arange(0, width, 2 * step):
            cv2.rectangle(canvas, _at((x, 0)), _at((x + step, horizon)), _shade(wall, 0.92), -1)
    for _ in range(rng.integers(1, 4)):
        corner = rng.uniform((0, 0.05), (0.8, 0.4)) * (width, horizon)
        end = corner + rng.uniform((0.1, 0.2), (0.25, 0.5)) * (width, horizon)
        _box(canvas, corner - 0.01 * width, end + 0.01 * width, (60, 80, 100))
        _box(canvas, corner, end, _cloth(rng))
    floor = _hsv(rng.uniform(5, 30), rng.uniform(40, 140), rng.uniform(100, 200))
    _gradient(canvas, horizon, height, _shade(floor, 0.8), floor)
    for x in np.linspace(-width, 2 * width, 19):
        start, end = (width / 2 + (x - width / 2) * 0.6, horizon), (x, height)
        cv2.line(canvas, _at(start), _at(end), _shade(floor, 0.75), _ZOOM, cv2.LINE_AA)
    for _ in range(rng.integers(0, 4)):
        foot = horizon + rng.uniform(0.02, 0.15) * height
        x, side = rng.uniform(0, width), rng.uniform(0.06, 0.18) * height
        _box(canvas, (x, foot - side), (x + side, foot), _cloth(rng))


_SCENES = (_meadow, _street, _room)


# --- MPII's file ------------------------------------------------------------------------------


def _release(records: list[_Record]) -> bytes:
    """Returns a .mat file; its header's date is replaced, since equal seeds give equal bytes."""
    annolist = _structs([_annotation(record) for record in records])
    acts = _structs([_act(record.activity) for record in records]).T
    singles = np.empty((len(records), 1), object)
    for index, record in enumerate(records):
        lone = record.annorect and len(record.people) == 1
        singles[index, 0] = np.ones((1, 1)) if lone else np.zeros((0, 0))
    release = {
        "annolist": annolist,
        "img_train": np.ones((1, len(records))),
        "version": "drawn",
        "single_person": singles,
        "act": acts,
    }
    file = BytesIO()
    savemat(file, {"RELEASE": release}, do_compression=True)
    return b"MATLAB 5.0 MAT-file, drawn".ljust(116) + file.getvalue()[116:]


def _annotation(record: _Record) -> dict[str, Any]:
    people = [_annorect(person, record.annopoints) for person in record.people]
    return {
        "image": _structs([{"name": record.name}]),
        "annorect": _structs(people) if record.annorect else np.zeros((0, 0)),
        "frame_sec": 0.0,
        "vididx": float(record.clip),
    }


def _annorect(person: _Person, annopoints: bool) -> dict[str, Any]:
    x1, y1, x2, y2 = _head_box(person)
    known = np.flatnonzero(np.isfinite(person.joints[:, 0]))
    points = _structs([_point(int(index), *person.joints[index]) for index in known])
    middle = np.nanmean(person.joints[:, :2], axis=0)
    return {
        **{"x1": x1, "y1": y1, "x2": x2, "y2": y2},
        "annopoints": _structs([{"point": points}]) if annopoints else np.zeros((0, 0)),
        "scale": person.height / 200,  # MPII: "person scale w.r.t. 200 px height"
        "objpos": _structs([{"x": float(middle[0]), "y": float(middle[1])}]),
    }


def _point(index: int, x: float, y: float, visible: float) -> dict[str, Any]:
    """Writes a joint as the official file does: flags are text or numbers, the head has none."""
    flag: Any = str(int(visible)) if index % 2 else int(visible)
    head = MPII16.joints[index] in ("upper_neck", "head_top")
    return {"x": x, "y": y, "id": index, "is_visible": np.zeros((0, 0)) if head else flag}


def _head_box(person: _Person) -> tuple[float, float, float, float]:
    """Returns x1, y1, x2, y2 in pixels, around the neck-to-top line."""
    neck = person.joints[MPII16.index("upper_neck"), :2]
    top = person.joints[MPII16.index("head_top"), :2]
    middle = (neck + top) / 2 if np.isfinite(top).all() else neck
    reach = _HEAD * person.height / 0.8 / 8**0.5  # MPII: neck to top is 0.8 of the diagonal
    x1, y1, x2, y2 = np.concatenate([middle - reach, middle + reach]).tolist()
    return x1, y1, x2, y2


def _act(activity: str | None) -> dict[str, Any]:
    if activity is None:
        return {"act_name": np.zeros((0, 0)), "cat_name": np.zeros((0, 0)), "act_id": -1}
    return {"act_name": activity, "cat_name": activity, "act_id": ACTIVITIES.index(activity) + 1}


def _structs(rows: list[dict[str, Any]]) -> np.ndarray:
    """Makes a 1xN MATLAB struct array."""
    table = np.empty((1, len(rows)), [(name, object) for name in rows[0]])
    for index, row in enumerate(rows):
        for name, value in row.items():
            table[name][0, index] = value
    return table
