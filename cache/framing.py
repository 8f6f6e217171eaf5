"""Which part of a picture a tensor shows, and how that part is brought to the tensor's size.

In come `(h, w, 3)` uint8 RGB pictures and boxes in their pixels. A `Framed` picture comes with the
float32 `(2,)` scale and offset that take image pixels (x, y) to its own: `xy * scale + offset`.
Knows nobody: whose box it is, others choose.
"""

from typing import Literal

import cv2
import numpy as np

PAD = 114  # grey, where there is no picture

Framed = tuple[np.ndarray, np.ndarray, np.ndarray]  # (H, W, 3) uint8, scale, offset


def window(box: np.ndarray, size: tuple[int, int], margin: float) -> tuple[int, int, int, int]:
    """Returns the part of a picture around a box, in whole pixels.

    Args:
        box: `(4,)` x1, y1, x2, y2 in pixels; may reach outside the picture.
        size: (width, height) of the picture.
        margin: Added on each side, as a share of the box's longer side.

    Returns:
        x1, y1, x2, y2 inside the picture; x2 and y2 are past the end. At least one pixel.
    """
    added = margin * float((box[2:] - box[:2]).max())
    last = np.array(size) - 1
    low = np.floor(box[:2] - added).clip(0, last).astype(int)
    high = np.ceil(box[2:] + added).clip(low + 1, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def square(box: np.ndarray, margin: float) -> tuple[int, int, int]:
    """Returns the square around a box's middle, in whole pixels; it may reach outside the picture.

    Args:
        box: `(4,)` x1, y1, x2, y2 in pixels.
        margin: Added on each side, as a share of the box's longer side, which the square takes.

    Returns:
        x and y of its first pixel, and its side; at least one pixel.
    """
    x1, y1, x2, y2 = box.tolist()
    side = max(1, round(max(x2 - x1, y2 - y1) * (1 + 2 * margin)))
    return round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2), side


def resize(
    image: np.ndarray, size_wh: tuple[int, int], way: Literal["stretch", "letterbox"]
) -> Framed:
    """Brings a whole picture to a size: without its proportions, or padded with grey 114."""
    wanted_wh = np.array(size_wh, np.float32)
    image_wh = np.array(image.shape[1::-1], np.float32)
    if way == "stretch":
        inner = _resized(image, size_wh)
        return inner, (wanted_wh / image_wh).astype(np.float32), np.zeros(2, np.float32)
    ratio = float((wanted_wh / image_wh).min())
    inner_wh = np.maximum(1, np.round(image_wh * ratio)).astype(int)
    offset = (wanted_wh.astype(int) - inner_wh) // 2
    frame = _padded(_resized(image, inner_wh), offset, size_wh)
    return frame, (inner_wh / image_wh).astype(np.float32), offset.astype(np.float32)


def crop_square(image: np.ndarray, box: np.ndarray, *, margin: float, size: int) -> Framed:
    """Brings the square around a box to `(size, size, 3)`, grey 114 where there is no picture."""
    x, y, side = square(box, margin)
    corner, image_wh = np.array([x, y]), np.array(image.shape[1::-1])
    low, high = np.maximum(corner, 0), np.minimum(corner + side, image_wh)
    if (low >= high).any():  # it lies outside
        scale = np.full(2, size / side)
        return _padded(image[:0, :0], np.zeros(2, int), (size, size)), scale, -corner * scale
    # What is inside, in pixels of the frame: the picture is resized before it is padded, so a
    # square that is mostly outside costs nothing.
    start = np.minimum(np.rint((low - corner) * size / side).astype(int), size - 1)
    end = np.maximum(np.rint((high - corner) * size / side).astype(int), start + 1)
    part = image[low[1] : high[1], low[0] : high[0]]
    frame = _padded(_resized(part, end - start), start, (size, size))
    scale = (end - start) / (high - low)
    return frame, scale.astype(np.float32), (start - low * scale).astype(np.float32)


def _resized(image: np.ndarray, size_wh: np.ndarray | tuple[int, int]) -> np.ndarray:
    width, height = (int(n) for n in size_wh)
    smaller = width < image.shape[1] and height < image.shape[0]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=way)


def _padded(inner: np.ndarray, offset: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    width, height = size_wh
    frame = np.full((height, width, 3), PAD, np.uint8)
    x, y = (int(n) for n in offset)
    frame[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return frame
