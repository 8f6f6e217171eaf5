"""Pictures inside the page: scaled, compressed, as data URIs. Nothing is written to disk."""

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations.faces import hide_faces
from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.types import Poses

_JPEG_QUALITY = 78


@dataclass(frozen=True)
class Tile:
    """One picture of a gallery.

    Attributes:
        source: A `data:` URI; None where the picture could not be read.
        title: One line below it.
        details: Further lines.
        file: Name of the picture it was made from.
    """

    source: str | None
    title: str
    details: tuple[str, ...]
    file: str


def data_uri(image: np.ndarray, longest: int) -> str:
    """Returns `(H, W, 3)` uint8 RGB as a JPEG of at most `longest` pixels a side, in a URI."""
    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), quality)[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def without_faces(image: np.ndarray, poses: Poses | None) -> np.ndarray:
    """Returns `(H, W, 3)` uint8 RGB with the faces of those who were found in it hidden."""
    if poses is None:
        return image
    return hide_faces(image, poses.skeleton, poses.keypoints, poses.boxes)


def sheet_uri(path: Path, longest: int) -> str | None:
    """Returns a picture that a step left in the run folder; None where it left none."""
    return data_uri(load_rgb(path), longest) if path.is_file() else None


def try_load(path: Path) -> np.ndarray | None:
    """Reads a picture of the data set; None where it is gone or damaged by now."""
    try:
        return load_rgb(path)
    except ImageError:
        return None
