"""Small videos, made as a test needs them."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

LOSSLESS = "FFV1"


def coloured(count: int, size: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    """Returns RGB pictures of noise, of (width, height); no two alike."""
    rng = np.random.default_rng(count)
    return [rng.integers(0, 255, (size[1], size[0], 3), np.uint8) for _ in range(count)]


def write_video(
    path: Path, frames: Sequence[np.ndarray], *, fps: float = 10, code: str = LOSSLESS
) -> Path:
    """Writes RGB frames of one size into a video; the codec FFV1 loses nothing."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), fps, (width, height))
    assert writer.isOpened(), f"this OpenCV cannot write {code}"
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path
