"""Videos and cameras into frames, decoded in order in the thread that asks for the next one.

Out come `Frame`s of upright `(H, W, 3)` uint8 RGB pixels, numbered from 0 as they are in the file:
its rotation is applied, and pixels that are not square are stretched until they are. What a video
loses becomes a frame whose `load` says so. Files are only ever read, and only those that were
named: a script or playlist would lead FFmpeg to other files and hosts, so it is not a video.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import NoReturn

import cv2
import numpy as np

from pose_activity.annotations import images
from pose_activity.annotations.containers import examine
from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.artifacts.names import shown

# Of the containers that OpenCV's wheels read; `_CONTAINERS` has FFmpeg's names of them.
SUFFIXES = frozenset(
    ".mp4 .m4v .mp4v .mov .qt .3gp .3g2 .f4v .lrv .insv .avi .divx .xvid .mkv .mk3d .webm .flv "
    ".wmv .asf .mpg .mpeg .mpe .m1v .m2v .vob .mod .tod .ts .mts .m2ts .m2t .ogv .ogm .mxf .gxf "
    ".nut .wtv .rm .rmvb .dv .y4m .ivf .h264 .264 .h265 .265 .hevc .mjpeg .mjpg".split()
)
NOT_REGULAR = "not a regular file, and only those are read"
_LIMIT = "POSE_ACTIVITY_MAX_FRAME_PIXELS"
MOST_PIXELS = int(os.environ.get(_LIMIT, 0)) or images.MOST_PIXELS
FEW = 5  # frames by which headers and indices of whole videos are wrong
_FASTEST = 1000.0  # frames per second; a header that says more is wrong
_ASSUMED = 25.0  # frames per second if the file does not say
_MOST_STRETCHED = 8  # more than this times as wide as high no pixel is
_CAMERA = re.compile(r"camera:(\d+)")
_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
# FFmpeg's names of containers that hold their frames themselves. It goes by content, not by the
# ending: a text that is called .mp4 would be followed to whatever files it names.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,flv,live_flv,kux,mpegts,mpeg,mpegvideo,asf,asf_o,"
    "ogg,mxf,gxf,nut,wtv,rm,dv,ivf,obu,yuv4mpegpipe,h263,h264,hevc,m4v,vc1,mjpeg,jpeg_pipe,amv"
)
_ENVIRONMENT = Lock()


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture that is still to be read: a file, or one frame of a video.

    Attributes:
        source: The picture's or the video's path.
        load: Returns `(H, W, 3)` uint8 RGB; raises `ImageError`. Called once, in some thread.
        number: Of the frame in its video, from 0; None for a picture.
        seconds: From the video's beginning; None for a picture.
        is_file: Whether the source is a picture's file.
    """

    source: Path
    load: Callable[[], np.ndarray]
    number: int | None = None
    seconds: float | None = None
    is_file: bool = False

    @classmethod
    def of_picture(cls, path: Path) -> "Frame":
        """Builds the frame of a picture file."""
        return cls(path, lambda: load_rgb(path), is_file=True)


@dataclass(frozen=True)
class Header:
    """What a video says about itself.

    Attributes:
        frames: How many it promises; 0: unknown.
        fps: Frames per second, on average; 0: unknown.
        size: (width, height) of a frame in pixels, as it is stored; (0, 0): it cannot be opened.
    """

    frames: int = 0
    fps: float = 0.0
    size: tuple[int, int] = (0, 0)


def is_video(path: Path) -> bool:
    """Returns whether the name is a video's or a camera's."""
    return path.suffix.lower() in SUFFIXES or is_camera(path)


def is_camera(path: Path) -> bool:
    """Returns whether the name is a camera's: `camera:0`, `camera:1`."""
    return _CAMERA.fullmatch(str(path)) is not None


def check_camera(path: Path) -> None:
    """Opens a camera and lets it go again.

    Raises:
        FileNotFoundError: it is not there, or gives no picture.
    """
    with _opened(path) as capture:
        if not capture.grab():
            raise FileNotFoundError(
                f"There is no camera at {path}, or another program uses it. The first is camera:0"
            )


def read_header(path: Path) -> Header:
    """Returns what a video's header says: nothing if it cannot be opened or is a camera."""
    if is_camera(path):
        return Header()
    with _opened(path) as capture:
        return _header(capture, path)


def read_frames(
    source: Path, *, every: int = 1, skip: Callable[[int | None], bool] = lambda number: False
) -> Iterator[Frame]:
    """Yields frames of a video or a camera.

    Where it cannot be opened, or ends before its container does, the last one's `load` raises
    `ImageError`; its number is the first that is lost (None: there is not one frame). Whole is what
    plays to its end: a header may count frames that an edit list hides or that never were. Frames
    of more than `MOST_PIXELS` are not decoded; OpenCV scales all to the size that the header says.
    A name that is not UTF-8 cannot be opened: OpenCV crashes on it.

    Args:
        source: A video file, or `camera:N`.
        every: 2 takes the frames 0, 2, 4, ...
        skip: Called with a frame's number; if it returns true, the frame is left out.
    """
    if not (is_camera(source) or _is_utf8(source)):
        yield Frame(source, partial(_refuse, f"{source}: the video's name is not UTF-8. Rename it"))
        return
    with _opened(source) as capture:
        header, started = _header(capture, source), time.monotonic()
        number, seconds = 0, 0.0
        too_large = _too_large(source, header)
        while not too_large and capture.grab():
            now = time.monotonic() - started
            now = now if is_camera(source) else _position(capture, number, header.fps)
            seconds = max(seconds, now)
            if number % every == 0 and not skip(number):
                read, pixels = capture.retrieve()
                if not read:
                    break
                yield Frame(source, partial(_finished, pixels, _stretch(capture)), number, now)
            number += 1
    lost = too_large or _what_is_lost(source, header, number, seconds)
    if lost and not skip(number or None):
        yield Frame(source, partial(_refuse, f"{source}: {lost}"), number or None)


@contextmanager
def _opened(source: Path) -> Iterator[cv2.VideoCapture]:
    camera = _CAMERA.fullmatch(str(source))
    capture = cv2.VideoCapture(int(camera[1])) if camera else _open_file(source)
    try:
        yield capture
    finally:
        capture.release()


def _is_utf8(path: Path) -> bool:
    """Returns whether a name, from the root on, is UTF-8: others end OpenCV, and the process."""
    absolute = os.path.abspath(path)
    return shown(absolute) == absolute


def _open_file(path: Path) -> cv2.VideoCapture:
    """Opens a video; anything but a regular file stays closed (a pipe would block)."""
    if not (os.path.isfile(path) and _is_utf8(path)):
        return cv2.VideoCapture()
    with _containers_only():
        # From the root on, no name is taken for a URL ("12:30.mp4"); and by FFmpeg alone, none for
        # a sequence of pictures ("img%03d.jpg").
        return cv2.VideoCapture(os.path.abspath(path), cv2.CAP_FFMPEG)


@contextmanager
def _containers_only() -> Iterator[None]:
    """Lets OpenCV open only `_CONTAINERS`; it can be set through its environment alone."""
    with _ENVIRONMENT:
        before = os.environ.get(_OPTIONS)
        ours = f"format_whitelist;{_CONTAINERS}"
        os.environ[_OPTIONS] = f"{before}|{ours}" if before else ours
        try:
            yield
        finally:
            if before is None:
                del os.environ[_OPTIONS]
            else:
                os.environ[_OPTIONS] = before


def _header(capture: cv2.VideoCapture, source: Path) -> Header:
    """Returns what a header says, except impossible numbers: a frame takes at least a byte."""
    frames, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    possible = frames > 0 and frames <= source.stat().st_size
    size = _stored_size(capture)
    return Header(int(frames) if possible else 0, fps if 0 < fps <= _FASTEST else 0.0, size)


def _stored_size(capture: cv2.VideoCapture) -> tuple[int, int]:
    """Returns (width, height); (0, 0) where nothing is open."""
    width = capture.get(cv2.CAP_PROP_FRAME_WIDTH)
    height = capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    return max(0, int(width)), max(0, int(height))


def _too_large(source: Path, header: Header) -> str | None:
    """Returns why no frame is decoded, or None."""
    width, height = header.size
    if width * height <= MOST_PIXELS or is_camera(source):
        return None
    return (
        f"a frame of a video may have {MOST_PIXELS:,} pixels. Received: {width}x{height}. Make it "
        f"smaller, or set the environment variable {_LIMIT}"
    )


def _position(capture: cv2.VideoCapture, number: int, fps: float) -> float:
    """Returns when the frame that was grabbed last is shown, in seconds."""
    seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
    return number / fps if seconds <= 0 < fps else seconds  # some files hold no times


def _stretch(capture: cv2.VideoCapture) -> tuple[float, float]:
    """Returns how many times wider and higher a frame is with square pixels; never smaller."""
    ratio = 1.0
    wide, high = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    if wide > 0 < high and 1 / _MOST_STRETCHED <= wide / high <= _MOST_STRETCHED:
        ratio = wide / high
    if round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 180 == 90:  # frames are turned already
        ratio = 1 / ratio
    return max(ratio, 1.0), max(1 / ratio, 1.0)


def _finished(pixels: np.ndarray, stretch: tuple[float, float]) -> np.ndarray:
    """Returns `(H, W, 3)` RGB with square pixels."""
    height, width = pixels.shape[:2]
    size = round(width * stretch[0]), round(height * stretch[1])
    if size != (width, height):
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _what_is_lost(source: Path, header: Header, decoded: int, seconds: float) -> str | None:
    """Returns the report on a video that ended after some frames, the last at `seconds`."""
    if is_camera(source):
        return "the camera gives no more pictures"
    if not decoded:
        return _why_not_one(source)
    extent = examine(source)
    if extent.last is None:
        short = extent.broken
    else:
        short = extent.last - seconds > FEW / (header.fps or _ASSUMED)
    if not short:
        return None
    promise = f"its header promises {header.frames} frames and " if header.frames > decoded else ""
    what = f"{decoded} can be decoded" if promise else f"{decoded} frames can be decoded"
    return f"damaged or cut off: {promise}{what}, the last {seconds:.2f} s from the beginning"


def _why_not_one(source: Path) -> str:
    if os.path.isfile(source):
        return "not a video, or a damaged one: not one frame can be decoded"
    if os.path.exists(source):
        return NOT_REGULAR
    return "there is no such file"


def _refuse(message: str) -> NoReturn:
    raise ImageError(message)
