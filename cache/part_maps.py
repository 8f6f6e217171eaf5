"""Which parts of a body each pixel shows, softly, as planes of a classifier's tensor.

In come a parts network's probabilities of one image, and its `Poses`; out go uint8 planes, 0..255,
of head, torso, upper and lower arms, upper and lower legs. Whose parts they are is decided by the
poses: a pixel is the person's whose bones are nearest, and nobody's outside all boxes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pose_activity.annotations.parts import PASCAL7, PartScheme, merge_probabilities
from pose_activity.annotations.types import Poses

NAMES = PASCAL7.names[1:]
COLOURS = np.array(PASCAL7.colours[1:], np.float32) / 255  # (6, 3): a picture of the planes
_MARGIN = 0.1  # of a box's longer side: hands and feet reach outside
_MIN_CONFIDENCE = 0.25  # of a joint that says where a person is
_HALF = 128  # from where on a pixel shows a person


@dataclass(frozen=True, eq=False)
class PartMaps:
    """Soft parts of one image.

    Attributes:
        planes: `(h, w, 6)` uint8 probabilities in 1/255, over the whole image, at any size.
        size: (width, height) of the image in pixels.
    """

    planes: np.ndarray
    size: tuple[int, int]

    def __post_init__(self) -> None:
        if self.planes.dtype != np.uint8 or self.planes.shape[2:] != (len(NAMES),):
            raise ValueError(
                f"Part maps must be (h, w, {len(NAMES)}) uint8. "
                f"Received: {self.planes.shape} {self.planes.dtype}"
            )


def maps_of(probabilities: np.ndarray, scheme: PartScheme, size: tuple[int, int]) -> PartMaps:
    """Merges a network's classes into the six.

    Args:
        probabilities: `(h, w, classes)` float32 over the whole image, at any size.
        scheme: The classes.
        size: (width, height) of the image.

    Raises:
        ValueError: a class is no part of one of the six, or holds more than one.
    """
    merged = merge_probabilities(probabilities, scheme, PASCAL7)[..., 1:]
    return PartMaps(np.rint(merged * 255).clip(0, 255).astype(np.uint8), size)


def only_of(maps: PartMaps, poses: Poses, chosen: Sequence[int] | np.ndarray) -> PartMaps:
    """Returns the maps with nothing but the parts of some people.

    Args:
        maps: Of the image.
        poses: Who is in it.
        chosen: Indices into `poses`; nobody leaves zeros.
    """
    height, width = maps.planes.shape[:2]
    scale = np.array([width, height]) / maps.size
    kept = np.zeros((height, width), bool)
    nearest = np.full((height, width), np.inf, np.float32)
    for person in range(len(poses.boxes)):
        box = poses.boxes[person].reshape(2, 2)
        grown = box + _MARGIN * (box[1] - box[0]).max() * np.array([[-1], [1]])
        (x1, y1), (x2, y2) = np.rint(grown * scale).astype(int).clip(0, (width, height)).tolist()
        if x1 >= x2 or y1 >= y2:
            continue
        distance = _distance(poses, person, scale, (height, width))
        closer = np.zeros_like(kept)
        closer[y1:y2, x1:x2] = distance[y1:y2, x1:x2] < nearest[y1:y2, x1:x2]
        kept[closer] = person in chosen
        nearest[closer] = distance[closer]
    return PartMaps(maps.planes * kept[..., None], maps.size)


def _distance(
    poses: Poses, person: int, scale: np.ndarray, shape_hw: tuple[int, int]
) -> np.ndarray:
    """Returns how far each pixel is from a person's bones, or from the box where none is sure."""
    free = np.ones(shape_hw, np.uint8)
    points = np.rint(poses.keypoints[person, :, :2] * scale).astype(int).clip(-9999, 9999).tolist()
    seen = poses.keypoints[person, :, 2] >= _MIN_CONFIDENCE
    for a, b in poses.skeleton.bone_index:
        if seen[a] and seen[b]:
            cv2.line(free, points[a], points[b], 0)
    if free.all():
        x1, y1, x2, y2 = np.rint(poses.boxes[person] * np.tile(scale, 2)).astype(int).tolist()
        cv2.rectangle(free, (x1, y1), (x2, y2), 0, cv2.FILLED)
    return cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def place(
    maps: PartMaps, shape_hw: tuple[int, int], scale: np.ndarray, offset: np.ndarray
) -> np.ndarray:
    """Brings maps to where a framed picture shows their image; see `cache.framing`.

    Args:
        maps: Of the image.
        shape_hw: (height, width) of the frame.
        scale: `(2,)`: frame pixels (x, y) = image pixels * scale + offset.
        offset: `(2,)`.

    Returns:
        `(height, width, 6)` uint8, 0 where there is no picture.
    """
    height, width = maps.planes.shape[:2]
    zoom = np.asarray(scale) * maps.size / (width, height)
    # Pixels are areas: the middle of the first one is at 0.5.
    start = (zoom - 1) / 2 + offset
    matrix = np.array([[zoom[0], 0, start[0]], [0, zoom[1], start[1]]], np.float64)
    halves = [
        cv2.warpAffine(
            np.ascontiguousarray(maps.planes[..., some]),
            matrix,
            shape_hw[::-1],
            flags=cv2.INTER_LINEAR,
            borderValue=0,
        )
        for some in (slice(0, 3), slice(3, 6))
    ]
    return np.concatenate(halves, axis=2)


def picture_of(planes: np.ndarray) -> np.ndarray:
    """Returns `(H, W, 6)` planes as one picture: `(H, W, 3)` float32 RGB, a colour for each."""
    return planes.astype(np.float32) @ COLOURS


def without_background(frame: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Paints black what is probably no person: `(H, W, 3)` uint8 by what `place` returned."""
    return frame * (placed.sum(axis=2, dtype=np.uint16) >= _HALF)[..., None]
