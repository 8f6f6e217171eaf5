"""Draws people whose body parts are known, pixel by pixel: the painter's own record is the mask.

Out come `images/*.jpg` and, of the same names, `masks/*.png` with the numbers of `PARTS15`. People
stand, sit, jump and bend in poses of activities and in random ones, are seen from all sides, hide
each other, and are cut off by the picture's edge or by things in front of them. The same seed draws
the same bytes.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations.images import write_image
from pose_activity.annotations.part_files import write_mask
from pose_activity.annotations.part_masks import resize_ids
from pose_activity.annotations.synthetic.backgrounds import SCENES, ZOOM, box, cloth, develop
from pose_activity.annotations.synthetic.body import (
    ACTIVITIES,
    HIP,
    LENGTHS,
    SHOULDER,
    TORSO,
    Points,
    Segment,
    assemble,
    place,
    turn,
    view,
)
from pose_activity.annotations.synthetic.gait import body, gaits
from pose_activity.annotations.synthetic.options import DrawnParts
from pose_activity.annotations.synthetic.render import (
    draw_ground,
    draw_person,
    parts_shown,
    wardrobe,
)
from pose_activity.artifacts.progress import ProgressCallback

IMAGES, MASKS = "images", "masks"
_PEOPLE = (0.04, 0.56, 0.28, 0.12)  # how often there is nobody, one person, two, three
_CUT, _HIDDEN = 0.35, 0.25  # how often a part of the scene is shown, and things are in front
_WIDEST_SCENE = 1.7  # picture sizes


def write(
    folder: Path,
    asked: DrawnParts,
    *,
    seed: int,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Draws the data set.

    Args:
        folder: Gets `images/` and `masks/`; what else is in it stays.
        asked: How many pictures, and their size.
        seed: Decides everything else.
        on_progress: Called with (done, total, text).

    Returns:
        `folder`.
    """
    for index in range(asked.images):
        image, ids = draw((asked.width, asked.height), np.random.default_rng([seed, 4, index]))
        name = f"{index + 1:06d}"
        write_mask(folder / MASKS / f"{name}.png", ids)
        write_image(folder / IMAGES / f"{name}.jpg", image)
        if on_progress:
            on_progress(index + 1, asked.images, name)
    return folder


def draw(size: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws one picture.

    Args:
        size: (width, height) in pixels.
        rng: Decides everything.

    Returns:
        `(height, width, 3)` uint8 RGB, and `(height, width)` uint8 numbers of `PARTS15`.
    """
    around = rng.uniform(1.15, _WIDEST_SCENE) if rng.random() < _CUT else 1.0
    width, height = (round(side * ZOOM * around) for side in size)
    canvas = np.zeros((height, width, 3), np.uint8)
    owner = np.full((height, width), -1, np.int16)
    horizon = round(height * rng.uniform(0.3, 0.65))
    SCENES[rng.integers(len(SCENES))](canvas, horizon, rng)
    middles = _draw_people(canvas, owner, horizon, rng)
    if rng.random() < _HIDDEN:
        _draw_things_in_front(canvas, owner, rng)
    x, y = _corner((width, height), (size[0] * ZOOM, size[1] * ZOOM), middles, rng)
    shown = np.s_[y : y + size[1] * ZOOM, x : x + size[0] * ZOOM]
    image = develop(canvas[shown], size, brightness=rng.uniform(0.75, 1.2), rng=rng)
    ids = resize_ids(parts_shown(owner[shown]), size)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB), ids


def _draw_people(
    canvas: np.ndarray, owner: np.ndarray, horizon: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Draws everybody; returns their middles in canvas pixels. Later ones hide earlier ones."""
    count = int(rng.choice(len(_PEOPLE), p=_PEOPLE))
    slots = max(1, count - int(rng.random() < 0.5))  # two in one slot are close together
    people = []
    for number in range(count):
        look, activity = _look(rng)
        points = place(look, min(number, slots - 1), slots, horizon, canvas.shape[:2], rng)
        wear = wardrobe(rng)
        draw_ground(canvas, points, activity, wear)
        people.append((points, wear))
    for number, (points, wear) in enumerate(people):
        draw_person(canvas, owner, number, points, wear)
    return [points["pelvis"][:2] for points, _ in people]


def _look(rng: np.random.Generator) -> tuple[Points, str]:
    """Returns a body as the picture shows it, in standing heights, and what it does."""
    choose: list[Callable[[], tuple[Points, str]]] = [
        lambda: _act(rng),
        lambda: (turn(body(gaits(4, rng)[0], rng.uniform(0, 360)), **_camera(rng)), "walking"),
        lambda: (turn(_random_body(rng), **_camera(rng)), "moving"),
    ]
    return choose[int(rng.choice(3, p=(0.35, 0.2, 0.45)))]()


def _act(rng: np.random.Generator) -> tuple[Points, str]:
    activity = ACTIVITIES[rng.integers(len(ACTIVITIES))]
    return view(activity, rng), activity


def _camera(rng: np.random.Generator) -> dict[str, float]:
    """Chooses a side to look from; a picture is seldom turned far."""
    roll = rng.uniform(-180, 180) if rng.random() < 0.06 else rng.normal(0, 8)
    return {"yaw": rng.uniform(-180, 180), "roll": roll}


def _random_body(rng: np.random.Generator) -> Points:
    """Builds a body whose limbs are anywhere that joints allow."""
    crouch = rng.random() < 0.35
    limbs: dict[str, list[Segment]] = {}
    for side in ("left", "right"):
        limbs[f"{side}_arm"] = _random_limb(
            rng, "arm", swing=(-45, 175), bend=(0, 135), spread=(-5, 85)
        )
        limbs[f"{side}_leg"] = _random_limb(
            rng,
            "leg",
            swing=(30, 110) if crouch else (-30, 45),
            bend=(-120, -20) if crouch else (-70, 0),
            spread=(0, 40),
        )
    return assemble(
        limbs,
        lean=rng.uniform(-10, 50) if crouch else rng.normal(3, 10),
        tilt=rng.normal(0, 0.2),
        torso=TORSO * rng.uniform(0.9, 1.1),
        shoulder=SHOULDER * rng.uniform(0.85, 1.2),
        hip=HIP * rng.uniform(0.85, 1.2),
    )


def _random_limb(
    rng: np.random.Generator,
    limb: str,
    *,
    swing: tuple[float, float],
    bend: tuple[float, float],
    spread: tuple[float, float],
) -> list[Segment]:
    """Chooses a limb's two parts; `bend` is how far the lower one swings on from the upper one."""
    forward, outward = rng.uniform(*swing), rng.uniform(*spread)
    upper, lower = (length * rng.uniform(0.9, 1.1) for length in LENGTHS[limb])
    below = forward + rng.uniform(*bend), outward * rng.uniform(-0.2, 1.0)
    return [(forward, outward, upper), (*below, lower)]


def _draw_things_in_front(canvas: np.ndarray, owner: np.ndarray, rng: np.random.Generator) -> None:
    """Puts boxes and posts before the people: what they hide is background."""
    height, width = owner.shape
    for _ in range(rng.integers(1, 3)):
        post = rng.random() < 0.5
        w, h = (rng.uniform(0.02, 0.05), 1.0) if post else rng.uniform((0.1, 0.1), (0.3, 0.35))
        x, y = rng.uniform(0, 1 - w) * width, (0.0 if post else rng.uniform(0.5, 1 - h) * height)
        end = x + w * width, y + h * height
        box(canvas, (x, y), end, cloth(rng))
        owner[round(y) : round(end[1]) + 1, round(x) : round(end[0]) + 1] = -1


def _corner(
    canvas: tuple[int, int],
    window: tuple[int, int],
    middles: list[np.ndarray],
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Chooses where the picture begins in its scene, such that somebody's middle is in it."""
    free = np.subtract(canvas, window)
    if not middles:
        x, y = rng.uniform(0, 1, 2) * free
    else:
        middle = middles[rng.integers(len(middles))]
        x, y = middle - np.array(window) * rng.uniform((0.25, 0.15), (0.75, 0.85))
    return int(np.clip(x, 0, free[0])), int(np.clip(y, 0, free[1]))
