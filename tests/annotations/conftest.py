"""Stick figures in memory, and the pictures they stand in."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.types import Sample

# x, y of a person standing upright, facing the camera, in a unit square; in MPII16's order.
_STANDING = np.array(
    [
        (0.35, 1.00),
        (0.35, 0.75),
        (0.40, 0.50),
        (0.60, 0.50),
        (0.65, 0.75),
        (0.65, 1.00),
        (0.50, 0.50),
        (0.50, 0.22),
        (0.50, 0.18),
        (0.50, 0.00),
        (0.10, 0.55),
        (0.15, 0.40),
        (0.30, 0.22),
        (0.70, 0.22),
        (0.85, 0.40),
        (0.90, 0.55),
    ],
    np.float32,
)


@pytest.fixture
def person() -> np.ndarray:
    """`(16, 3)` MPII16 keypoints: head top at (50, 20), ankles at y = 120, x in 10..90."""
    xy = _STANDING * 100 + np.array([0, 20], np.float32)
    return np.hstack([xy, np.ones((16, 1), np.float32)])


@pytest.fixture
def make_sample() -> Callable[..., Sample]:
    """A factory: `make_sample(image, *people, activity=..., group=..., split=..., size=...)`."""

    def make(image: Path | str, *people: np.ndarray, **fields: object) -> Sample:
        given = {"size": None, "activity": "walking"} | fields
        return Sample(
            image=Path(image),
            skeleton=MPII16,
            boxes=np.zeros((len(people), 4), np.float32),
            keypoints=np.array(people, np.float32).reshape(-1, 16, 3),
            head_sizes=np.zeros(len(people), np.float32),
            **given,  # type: ignore[arg-type]
        )

    return make


@pytest.fixture
def write_picture(tmp_path: Path) -> Callable[..., Path]:
    """A factory: `write_picture(name, width, height)` writes grey noise and returns its path."""

    def write(name: str, width: int = 100, height: int = 140) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(0).integers(60, 200, (height, width, 3), np.uint8)
        path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
        return path

    return write
