"""Backgrounds for drawn people: a meadow, a street, a room; and the colours and strokes for them.

Canvases are `(h, w, 3)` uint8 BGR and are drawn on in place; coordinates are canvas pixels.
"""

from typing import Any

import cv2
import numpy as np

Colour = tuple[int, int, int]
ZOOM = 2  # pictures are drawn this much larger and then shrunk: smooth edges


def _gradient(canvas: np.ndarray, top: int, bottom: int, start: Colour, end: Colour) -> None:
    """Fills rows top..bottom from colour `start` to `end`."""
    ramp = np.linspace(0, 1, bottom - top)[:, None, None]
    rows = np.asarray(start) * (1 - ramp) + np.asarray(end) * ramp
    size = canvas.shape[1], bottom - top
    canvas[top:bottom] = cv2.resize(rows.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)


def _meadow(canvas: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    hue = rng.uniform(95, 115)
    _gradient(canvas, 0, horizon, hsv(hue, 150, 225), hsv(hue, 50, 250))
    for _ in range(rng.integers(1, 5)):
        x, y = rng.uniform(0, width), rng.uniform(0, horizon * 0.6)
        for step in range(4):
            puff = rng.uniform(0.02, 0.05) * width
            ellipse(canvas, (x + step * 0.03 * width, y), (puff, puff * 0.6), (248, 245, 242))
    for _ in range(rng.integers(2, 5)):
        reach = rng.uniform((0.15, 0.08), (0.4, 0.25)) * (width, height)
        tone = hsv(rng.uniform(35, 75), rng.uniform(60, 130), rng.uniform(90, 170))
        ellipse(canvas, (rng.uniform(0, width), horizon), reach, tone)
    ground = rng.uniform(25, 60)
    _gradient(canvas, horizon, height, hsv(ground, 120, 180), hsv(ground, 140, 110))
    for _ in range(rng.integers(1, 6)):
        _tree(canvas, rng.uniform(0, width), horizon, rng)


def _tree(canvas: np.ndarray, x: float, horizon: int, rng: np.random.Generator) -> None:
    tall = rng.uniform(0.15, 0.4) * canvas.shape[0]
    foot = horizon + rng.uniform(0, 0.12) * canvas.shape[0]
    box(canvas, (x - tall * 0.05, foot - tall * 0.6), (x + tall * 0.05, foot), (50, 75, 105))
    tone = hsv(rng.uniform(30, 75), rng.uniform(120, 200), rng.uniform(70, 160))
    for _ in range(6):
        spot = np.array([x, foot - tall * 0.7]) + rng.normal(0, 0.12, 2) * tall
        ellipse(canvas, spot, (tall * 0.2, tall * 0.2), tint(tone, rng.uniform(0.85, 1.15)))


def _street(canvas: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    hue = rng.uniform(0, 180)
    _gradient(canvas, 0, horizon, hsv(hue, 70, 200), hsv(hue, 25, 245))
    x = -rng.uniform(0, 0.1) * width
    while x < width:
        wide, roof = rng.uniform(0.1, 0.24) * width, horizon * rng.uniform(0.05, 0.6)
        wall = hsv(rng.uniform(0, 180), rng.uniform(10, 90), rng.uniform(80, 210))
        box(canvas, (x, roof), (x + wide, horizon), wall)
        pane = tint(wall, rng.choice((0.65, 1.25)))
        for row in np.arange(roof + 0.03 * height, horizon - 0.06 * height, 0.09 * height):
            for column in np.arange(x + 0.015 * width, x + wide - 0.03 * width, 0.05 * width):
                end = column + 0.025 * width, row + 0.05 * height
                cv2.rectangle(canvas, at((column, row)), at(end), pane, -1)
        x += wide
    grey = rng.uniform(90, 170)
    _gradient(canvas, horizon, height, hsv(hue, 12, grey + 40), hsv(hue, 12, grey))
    for _ in range(rng.integers(0, 4)):
        pole = rng.uniform(0, width)
        foot = horizon + rng.uniform(0.02, 0.1) * height
        box(canvas, (pole, foot - 0.45 * height), (pole + 0.012 * width, foot), cloth(rng))


def _room(canvas: np.ndarray, horizon: int, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    wall = hsv(rng.uniform(0, 180), rng.uniform(10, 110), rng.uniform(140, 245))
    _gradient(canvas, 0, horizon, wall, tint(wall, 0.85))
    if rng.random() < 0.5:
        step = rng.uniform(0.04, 0.12) * width
        for x in np.arange(0, width, 2 * step):
            cv2.rectangle(canvas, at((x, 0)), at((x + step, horizon)), tint(wall, 0.92), -1)
    for _ in range(rng.integers(1, 4)):
        corner = rng.uniform((0, 0.05), (0.8, 0.4)) * (width, horizon)
        end = corner + rng.uniform((0.1, 0.2), (0.25, 0.5)) * (width, horizon)
        box(canvas, corner - 0.01 * width, end + 0.01 * width, (60, 80, 100))
        box(canvas, corner, end, cloth(rng))
    floor = hsv(rng.uniform(5, 30), rng.uniform(40, 140), rng.uniform(100, 200))
    _gradient(canvas, horizon, height, tint(floor, 0.8), floor)
    for x in np.linspace(-width, 2 * width, 19):
        start, end = (width / 2 + (x - width / 2) * 0.6, horizon), (x, height)
        cv2.line(canvas, at(start), at(end), tint(floor, 0.75), ZOOM, cv2.LINE_AA)
    for _ in range(rng.integers(0, 4)):
        foot = horizon + rng.uniform(0.02, 0.15) * height
        x, side = rng.uniform(0, width), rng.uniform(0.06, 0.18) * height
        box(canvas, (x, foot - side), (x + side, foot), cloth(rng))


SCENES = (_meadow, _street, _room)


def develop(
    canvas: np.ndarray, size: tuple[int, int], *, brightness: float, rng: np.random.Generator
) -> np.ndarray:
    """Returns the finished picture: shrunk to `size` (width, height), brightened, with grain."""
    image = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    image = cv2.convertScaleAbs(image, alpha=brightness)
    grain = (rng.standard_normal(image.shape[:2], np.float32) * 3).astype(np.int16)
    return cv2.add(image, cv2.merge([grain] * 3), dtype=cv2.CV_8U)


def cloth(rng: np.random.Generator) -> Colour:
    """Chooses a colour (BGR) that cloth may have."""
    return hsv(rng.uniform(0, 180), rng.uniform(40, 230), rng.uniform(60, 245))


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Returns a BGR colour; hue in 0..180 (it wraps), saturation and value in 0..255."""
    pixel = np.array([[[hue % 180, saturation, value]]]).round().astype(np.uint8)
    blue, green, red = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0].tolist()
    return blue, green, red


def tint(colour: Colour, factor: float) -> Colour:
    """Returns a darker (factor < 1) or lighter colour."""
    blue, green, red = (min(255, round(channel * factor)) for channel in colour)
    return blue, green, red


def at(point: np.ndarray | tuple[float, float]) -> tuple[int, int]:
    """Rounds a point or size to whole pixels."""
    return round(float(point[0])), round(float(point[1]))


def ellipse(canvas: np.ndarray, centre: Any, axes: Any, colour: Colour, angle: float = 0.0) -> None:
    """Fills an ellipse; `axes` are half lengths, `angle` is in degrees."""
    cv2.ellipse(canvas, at(centre), at(axes), angle, 0, 360, colour, -1, cv2.LINE_AA)


def box(canvas: np.ndarray, corner: Any, opposite: Any, colour: Colour) -> None:
    """Fills a rectangle and gives it a darker outline."""
    cv2.rectangle(canvas, at(corner), at(opposite), colour, -1)
    cv2.rectangle(canvas, at(corner), at(opposite), tint(colour, 0.6), ZOOM)
