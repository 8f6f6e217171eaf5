"""Small videos, made as a test needs them: by OpenCV from pictures, or by FFmpeg."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

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


def run_ffmpeg(*arguments: str | Path) -> None:
    """Runs the FFmpeg of `imageio-ffmpeg`, not OpenCV's."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def encode(
    path: Path, *options: str, seconds: float = 4, sound: float = 0, size: str = "160x120"
) -> Path:
    """Encodes FFmpeg's test picture at 25 frames a second, with `sound` seconds of a tone."""
    inputs = ["-f", "lavfi", "-i", f"testsrc=size={size}:rate=25:duration={seconds}"]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=duration={sound}"]
    run_ffmpeg(*inputs, *options, path)
    return path


def cut_off(path: Path, share: float) -> Path:
    """Returns a copy of a file that ends after a share of its bytes."""
    data = path.read_bytes()
    short = path.with_name(f"cut-{path.name}")
    short.write_bytes(data[: int(len(data) * share) | 1])  # an odd number is no packet's end
    return short


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Lets no file of this process grow beyond some bytes, as on a full disk."""
    resource = pytest.importorskip("resource", reason="limits are those of Unix")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
