"""Pictures of labels: skeletons, boxes and names on a photo, and galleries of pictures.

Images are `(H, W, 3)` uint8 RGB, coordinates pixels of the same image. Nothing is drawn in place:
every function returns a new image. Line widths follow the picture's and the person's size.
"""

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.artifacts.names import shown

_Colour = tuple[int, int, int]
_Rectangle = tuple[int, int, int, int]  # x1, y1, x2, y2, past the end
SIDES: dict[str, _Colour] = {
    "left": (0, 190, 255),
    "right": (255, 120, 30),
    "middle": (140, 235, 90),
}
_DARK: _Colour = (24, 26, 30)
_LIGHT: _Colour = (236, 238, 240)
EMPTY: _Colour = (40, 42, 46)
_PEOPLE: tuple[_Colour, ...] = (
    (255, 205, 60),
    (120, 200, 255),
    (250, 130, 190),
    (150, 230, 130),
    (190, 160, 255),
    (255, 160, 100),
)
_HIDDEN = 0.5
_WEIGHT = 400  # of OpenCV's own font, which has letters of most scripts: regular
# OpenCV takes fixed-point coordinates with this many fractional bits.
_SHIFT = 4


def draw_poses(
    image: np.ndarray,
    skeleton: Skeleton,
    keypoints: np.ndarray,
    boxes: np.ndarray | None = None,
    labels: Sequence[str] | None = None,
    *,
    threshold: float = 0.0,
) -> np.ndarray:
    """Draws persons: left limbs blue, right limbs orange, the middle green.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        skeleton: Names the K joints and the bones.
        keypoints: `(N, K, 3)`; joints with v <= 0.5 (hidden, doubtful) are hollow.
        boxes: `(N, 4)` xyxy pixels, or None for no boxes. A box of zeros is not drawn.
        labels: One text per person, drawn at its box or its highest joint; an empty one is not.
            Or None.
        threshold: Joints with v <= `threshold` are left out.

    Returns:
        A new `(H, W, 3)` uint8 image.
    """
    canvas = np.ascontiguousarray(image).copy()
    for i, person in enumerate(np.asarray(keypoints, np.float32)):
        colour = _PEOPLE[i % len(_PEOPLE)]
        if boxes is not None and np.any(boxes[i]):
            _draw_box(canvas, boxes[i], colour)
        _draw_skeleton(canvas, skeleton, person, threshold)
    taken: list[_Rectangle] = []  # tags come last: nobody's limbs hide another one's label
    for i, text in enumerate(labels or ()):
        if not text:
            continue
        anchor = _anchor(np.asarray(keypoints[i]), None if boxes is None else boxes[i])
        _draw_tag(canvas, text, anchor, _PEOPLE[i % len(_PEOPLE)], taken)
    return canvas


def draw_box(image: np.ndarray, box: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Returns the image with one xyxy box `(4,)` in an RGB colour."""
    canvas = np.ascontiguousarray(image).copy()
    _draw_box(canvas, box, colour)
    return canvas


def draw_crosses(image: np.ndarray, points: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Returns the image with a cross at each of `(M, 2)` points; those outside sit on the edge."""
    canvas = np.ascontiguousarray(image).copy()
    radius = max(4, min(canvas.shape[:2]) // 45)
    for point in np.clip(points, radius, np.array(canvas.shape[1::-1]) - 1 - radius):
        for ink, width in ((_DARK, radius), (colour, max(1, radius // 3))):
            for slope in (-1, 1):
                arm = np.array([radius, slope * radius])
                _line(canvas, point - arm, point + arm, ink, width)
    return canvas


def cut_to(image: np.ndarray, boxes: np.ndarray, *, around: float = 0.15) -> np.ndarray:
    """Returns the part of the picture that holds all boxes, for a closer look.

    Args:
        image: `(H, W, 3)` uint8.
        boxes: `(N, 4)` xyxy pixels. A box of zeros is ignored; without any other one the whole
            picture is returned.
        around: Margin on each side, as a share of that part's longer side.
    """
    there = boxes[np.any(boxes, axis=1)]
    if not len(there):
        return image.copy()
    low, high = there[:, :2].min(0), there[:, 2:].max(0)
    margin = around * max(high - low)
    size = np.array(image.shape[1::-1])
    x1, y1 = np.clip(np.floor(low - margin), 0, size - 1).astype(int)
    x2, y2 = np.clip(np.ceil(high + margin), [x1 + 1, y1 + 1], size).astype(int)
    return image[y1:y2, x1:x2].copy()


def fit(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the image scaled, not stretched, into a dark frame of `size` = (width, height)."""
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    new_w, new_h = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    frame = np.full((size[1], size[0], 3), EMPTY, np.uint8)
    x, y = (size[0] - new_w) // 2, (size[1] - new_h) // 2
    frame[y : y + new_h, x : x + new_w] = cv2.resize(image, (new_w, new_h), interpolation=method)
    return frame


def gallery(
    tiles: Sequence[np.ndarray],
    titles: Sequence[str],
    *,
    columns: int | None = None,
    tile_size: tuple[int, int] = (320, 240),
    heading: str = "",
) -> np.ndarray:
    """Lays pictures out in a grid, each with a line of text below.

    Args:
        tiles: Images of any sizes; they are fitted into their places, not stretched.
        titles: One text per tile; one that is too long ends in an ellipsis.
        columns: Tiles per row; None makes the grid about square.
        tile_size: (width, height) of a tile in pixels.
        heading: A line of text above everything.

    Returns:
        `(H, W, 3)` uint8 RGB.

    Raises:
        ValueError: no tiles, or not one title per tile.
    """
    if not tiles or len(tiles) != len(titles):
        raise ValueError(
            "A gallery needs at least one tile, and one title per tile. "
            f"Received: {len(tiles)} tiles, {len(titles)} titles"
        )
    columns = columns or ceil(len(tiles) ** 0.5)
    width, height = tile_size
    gap, line = max(4, height // 40), max(14, height // 12)
    top = gap + (line + gap if heading else 0)
    cell_w, cell_h = width + gap, height + line + gap
    rows = ceil(len(tiles) / columns)
    sheet = np.full((top + rows * cell_h, gap + columns * cell_w, 3), _DARK, np.uint8)
    if heading:
        draw_text(sheet, heading, (gap, gap), line, sheet.shape[1] - 2 * gap)
    for i, (tile, title) in enumerate(zip(tiles, titles, strict=True)):
        x, y = gap + i % columns * cell_w, top + i // columns * cell_h
        sheet[y : y + height, x : x + width] = fit(tile, tile_size)
        draw_text(sheet, title, (x, y + height), line, width)
    return sheet


def _draw_skeleton(
    canvas: np.ndarray, skeleton: Skeleton, person: np.ndarray, threshold: float
) -> None:
    seen = person[:, 2] > threshold
    if not seen.any():
        return
    width = _line_width(canvas, np.ptp(person[seen, :2], axis=0).max())
    bones = [(a, b) for a, b in skeleton.bone_index if seen[a] and seen[b]]
    for a, b in bones:
        _line(canvas, person[a], person[b], _DARK, width + max(2, width // 2))
    for a, b in bones:
        colour = SIDES[side_of(skeleton.joints[a], skeleton.joints[b])]
        _line(canvas, person[a], person[b], colour, width)
    for k in np.flatnonzero(seen):
        colour = SIDES[side_of(skeleton.joints[k])]
        _disc(canvas, person[k], width * 1.25 + 1, _DARK)
        _disc(canvas, person[k], width * 1.25, colour)
        if person[k, 2] <= _HIDDEN:
            _disc(canvas, person[k], width * 0.75, _DARK)


def _line_width(canvas: np.ndarray, extent: float) -> int:
    """Returns a 200th of the picture; less for small persons, so that limbs stay apart."""
    picture = (canvas.shape[0] * canvas.shape[1]) ** 0.5
    return max(1, round(min(picture / 200, max(extent, 1) / 45)))


def side_of(*joints: str) -> str:
    """Returns "left" or "right" where all joints are on that side of the body, else "middle"."""
    for side in ("left", "right"):
        if all(joint.startswith(f"{side}_") for joint in joints):
            return side
    return "middle"


def _fixed(point: np.ndarray) -> tuple[int, int]:
    x, y = np.rint(np.clip(point[:2], -1e6, 1e6) * 2**_SHIFT).astype(int)
    return int(x), int(y)


def _line(canvas: np.ndarray, a: np.ndarray, b: np.ndarray, colour: _Colour, width: int) -> None:
    cv2.line(canvas, _fixed(a), _fixed(b), colour, width, cv2.LINE_AA, _SHIFT)


def _disc(canvas: np.ndarray, centre: np.ndarray, radius: float, colour: _Colour) -> None:
    fixed_radius = round(radius * 2**_SHIFT)
    cv2.circle(canvas, _fixed(centre), fixed_radius, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _draw_box(canvas: np.ndarray, box: np.ndarray, colour: _Colour) -> None:
    width = _line_width(canvas, float(max(box[2:] - box[:2])))
    a, b = _fixed(box[:2]), _fixed(box[2:])
    cv2.rectangle(canvas, a, b, _DARK, width + 2, cv2.LINE_AA, _SHIFT)
    cv2.rectangle(canvas, a, b, colour, width, cv2.LINE_AA, _SHIFT)


def _anchor(person: np.ndarray, box: np.ndarray | None) -> tuple[float, float]:
    if box is not None and np.any(box):
        return float(box[0]), float(box[1])
    seen = person[person[:, 2] > 0]
    return (0.0, 0.0) if not len(seen) else (float(seen[:, 0].min()), float(seen[:, 1].min()))


def _draw_tag(
    canvas: np.ndarray,
    text: str,
    anchor: tuple[float, float],
    colour: _Colour,
    taken: list[_Rectangle],
) -> None:
    """Writes dark text on a coloured strip above `anchor`, inside the picture.

    Where it would hide one of the strips in `taken`, it goes below them; it is added to `taken`.
    """
    height, width = canvas.shape[:2]
    line = max(12, min(height, width) // 22)
    text_w = min(width, text_width(text, line) + line // 2)
    x = int(np.clip(anchor[0], 0, width - text_w))
    first = int(np.clip(anchor[1] - line, 0, max(0, height - line)))
    below = range(first, max(0, height - line) + 1, line)
    free = (y for y in below if not any(_overlap((x, y, x + text_w, y + line), r) for r in taken))
    y = next(free, first)
    taken.append((x, y, x + text_w, y + line))
    canvas[y : y + line, x : x + text_w] = colour
    draw_text(canvas, text, (x + line // 4, y), line, text_w - line // 4, _DARK)


def _overlap(a: _Rectangle, b: _Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def draw_text(
    canvas: np.ndarray,
    text: str,
    corner: tuple[int, int],
    line: int,
    room: int,
    colour: tuple[int, int, int] = _LIGHT,
) -> None:
    """Writes a line of text into the canvas, in place.

    Args:
        canvas: `(H, W, 3)` uint8 RGB.
        text: In any script; bytes that are not UTF-8 are spelled out, OpenCV crashes on them.
        corner: (x, y) of the line's upper left corner.
        line: Its height in pixels.
        room: Its width in pixels; longer text ends in an ellipsis.
        colour: RGB.
    """
    if text_width(text, line) > room:
        while text and text_width(text + "…", line) > room:
            text = text[:-1]
        text += "…"
    x, y = corner
    patch = canvas[y : y + line, x : x + room]
    if patch.size:
        size = _font_size(line)
        base = (0, round(line / 2 + 0.35 * size))  # half of a capital's height below the middle
        cv2.putText(patch, shown(text), base, colour, cv2.FontFace(), size, _WEIGHT)


def text_width(text: str, line: int) -> int:
    """Returns the width in pixels of a text in a line of that height."""
    font = cv2.FontFace()  # one belongs to one thread, and costs less than a letter
    x, _, width, _ = cv2.getTextSize((0, 0), shown(text), (0, 0), font, _font_size(line), _WEIGHT)
    return x + width


def _font_size(line: int) -> int:
    return max(8, round(line * 0.7))
