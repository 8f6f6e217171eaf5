"""Videos and cameras into frames, decoded in order in the thread that asks for the next one.

Out come `Frame`s of upright `(H, W, 3)` uint8 RGB pixels (the file's rotation is applied), numbered
from 0 as they lie in the file. What a video loses becomes a frame whose `load` says so. Files are
only ever read.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import cv2

from annotations.images import ImageError
from annotations.video_folder import SUFFIXES
from inference.pipeline import Frame

_COUNTED = frozenset({".mp4", ".avi", ".mov"})  # the others only say how long they are
_SLACK = 1.0  # seconds by which that may be wrong
_CAMERA = re.compile(r"camera:(\d+)")


@dataclass(frozen=True)
class Header:
    """What a video says about itself.

    Attributes:
        frames: How many it promises; 0: unknown.
        fps: Frames a second, on average; 0: unknown.
    """

    frames: int = 0
    fps: float = 0.0


def is_video(path: Path) -> bool:
    """Tells whether the name is a video's or a camera's."""
    return path.suffix.lower() in SUFFIXES or is_camera(path)


def is_camera(path: Path) -> bool:
    """Tells whether the name is a camera's: `camera:0`, `camera:1`."""
    return _CAMERA.fullmatch(str(path)) is not None


def check_camera(path: Path) -> None:
    """Opens a camera and lets it go again.

    Raises:
        FileNotFoundError: it is not there, or gives no picture.
    """
    with _opened(path) as capture:
        if not capture.grab():
            raise FileNotFoundError(
                f"There is no camera at {path}, or another program holds it. The first is camera:0"
            )


def read_header(path: Path) -> Header:
    """Returns what a video file promises: nothing, where it cannot be opened or is a camera."""
    if is_camera(path):
        return Header()
    with _opened(path) as capture:
        return _header(capture)


def read_frames(
    source: Path, *, every: int = 1, skip: Callable[[int | None], bool] = lambda number: False
) -> Iterator[Frame]:
    """Yields frames of a video or a camera.

    Where it cannot be opened, or ends before its header says, the last one's `load` raises
    `ImageError`; its number is the first that is lost (None: there is not one frame).

    Args:
        source: A video file, or `camera:N`.
        every: 2 takes the frames 0, 2, 4, ...
        skip: Called with a frame's number; where it is true the frame is left out.
    """
    with _opened(source) as capture:
        header, started = _header(capture), time.monotonic()
        number, seconds = 0, 0.0
        while capture.grab():
            if is_camera(source):
                seconds = time.monotonic() - started
            else:
                seconds = _position(capture, number, header.fps)
            if number % every == 0 and not skip(number):
                _, pixels = capture.retrieve()
                load = partial(cv2.cvtColor, pixels, cv2.COLOR_BGR2RGB)
                yield Frame(source, load, number, seconds)
            number += 1
    lost = _what_is_lost(source, header, number, seconds)
    if lost and not skip(number or None):
        yield Frame(source, partial(_refuse, f"{source}: {lost}"), number or None)


@contextmanager
def _opened(source: Path) -> Iterator[cv2.VideoCapture]:
    camera = _CAMERA.fullmatch(str(source))
    capture = cv2.VideoCapture(int(camera[1]) if camera else str(source))
    try:
        yield capture
    finally:
        capture.release()


def _header(capture: cv2.VideoCapture) -> Header:
    frames, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    return Header(max(0, int(frames)), max(0.0, fps))  # negative where it is unknown


def _position(capture: cv2.VideoCapture, number: int, fps: float) -> float:
    """Returns when the frame that was grabbed last is shown, in seconds."""
    seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
    return number / fps if seconds <= 0 < fps else seconds  # some files hold no times


def _what_is_lost(source: Path, header: Header, decoded: int, seconds: float) -> str | None:
    """Returns what to say of a video that ended after some frames, the last shown at `seconds`."""
    if is_camera(source):
        return "the camera gives no more pictures"
    if not decoded:
        return "not a video, or a damaged one: not one frame can be decoded"
    missing = header.frames - decoded
    if source.suffix.lower() not in _COUNTED and header.fps:
        missing = missing if header.frames / header.fps > seconds + _SLACK else 0
    if missing <= 0:
        return None
    return (
        f"damaged or cut off: its header promises {header.frames} frames and {decoded} can be "
        f"decoded, {missing} are lost"
    )


def _refuse(message: str) -> NoReturn:
    raise ImageError(message)
