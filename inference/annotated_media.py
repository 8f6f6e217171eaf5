"""Writes a folder of annotated images and videos; the kind of model says what is painted.

A picture becomes a JPEG; a video, or what a camera gave, a WebM or an MP4 of the same size and
speed. WebM (VP8) plays in browsers, and the MP4 that OpenCV writes (MPEG-4 part 2) does not. Frames
that `every` leaves out are not in it: it has fewer per second and lasts as long. Files are whole or
absent, and carry a mark by which no later run takes them for inputs.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import cv2
import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.containers import examine
from pose_activity.annotations.drawing_mark import mark_mp4, mark_webm
from pose_activity.annotations.images import write_drawing
from pose_activity.artifacts import atomic
from pose_activity.artifacts.names import shown
from pose_activity.cache.record import key_of
from pose_activity.inference.drawing_folder import drawing_in
from pose_activity.inference.options import VideoFormat
from pose_activity.inference.results import FrameResult

_LONGEST_JPEG = 65_500  # pixels a side
_CAMERA_FPS = 25.0
_LONGEST_NAME = 80  # bytes of a source's name in that of its drawing


@dataclass(frozen=True)
class _Format:
    """How a video is written.

    Attributes:
        name: For people.
        codec: OpenCV's name of it; every wheel brings these.
        mark: Marks a whole file.
    """

    name: str
    codec: str
    mark: Callable[[Path], None]


_FORMATS: dict[VideoFormat, _Format] = {
    "webm": _Format("a WebM", "VP80", mark_webm),
    "mp4": _Format("an MP4", "mp4v", mark_mp4),
}


def drawing_name(source: Path) -> str:
    """Returns a file stem for the drawing of a source: its own name and a digest of its path.

    Letters of any script are kept; other signs, which some system does not allow, become "_".
    """
    name = unicodedata.normalize("NFC", shown(source.stem))
    kept = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else "_" for c in name)
    readable = re.sub("_+", "_", "".join(kept)).strip("_")
    readable = readable.encode()[:_LONGEST_NAME].decode(errors="ignore")
    digest = key_of(source).rpartition("-")[2]
    return f"{readable}-{digest}"


class Painter(Protocol):
    """Paints rows onto an image of their own; both return `(H, W, 3)` uint8 RGB of one size."""

    def paint(self, pixels: np.ndarray, rows: Sequence[Any]) -> np.ndarray:
        """Returns a new image with what is known immediately."""
        ...

    def finish(self, image: np.ndarray, rows: Sequence[Any]) -> np.ndarray:
        """Returns what `paint` made with what is known once the rows are in order (smoothed)."""
        ...


class AnnotatedOutput:
    """Draws answers: `paint` beside the graphs, in any thread, then `add`, in order.

    Nothing is raised for a picture that cannot be drawn: the answers matter more. `add` reports it.
    """

    def __init__(
        self,
        folder: Path | None,
        painter: Painter,
        *,
        every: int = 1,
        video: VideoFormat = "webm",
    ) -> None:
        """Makes the folder.

        Args:
            folder: For the files; None draws nothing.
            painter: Of the answers.
            every: The frames of videos are this many apart.
            video: Format of videos.

        Raises:
            OSError: it cannot be made.
        """
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._painter = folder, painter
        self._every = every
        self._video: VideoFormat = video
        self._film: VideoWriter | None = None
        self._failed: Path | None = None
        self._held = ExitStack()

    def paint(self, answer: FrameResult) -> np.ndarray | str | None:
        """Draws a picture's file, or the people in a video's frame.

        Returns:
            The frame, `(H, W, 3)` uint8 RGB; of a picture why it was not drawn, or None.
        """
        if answer.pixels is None or self._folder is None:
            return None
        image = self._painter.paint(answer.pixels, answer.rows)
        if answer.frame.number is not None:
            return image
        source = answer.frame.source
        if max(image.shape) > _LONGEST_JPEG:
            return f"{source}: {image.shape[1]}x{image.shape[0]} is too large for a JPEG"
        try:
            finished = self._painter.finish(image, answer.rows)
            write_drawing(self._folder / f"{drawing_name(source)}.jpg", finished)
        except OSError as error:
            return f"{source}: {error}"
        return None

    def add(self, answer: FrameResult) -> str | None:
        """Puts a frame into its video; call it for every answer, with what `paint` made.

        Returns:
            What could not be drawn and why, or None.
        """
        source, finished = answer.frame.source, None
        if self._film and self._film.source != source:
            finished = self.close()
        return "; ".join(filter(None, (finished, self._add(answer)))) or None

    def _add(self, answer: FrameResult) -> str | None:
        source = answer.frame.source
        if not isinstance(answer.made, np.ndarray):
            return answer.made
        if source == self._failed or self._folder is None:
            return None
        image = self._painter.finish(answer.made, answer.rows)
        try:
            if self._film is None:
                self._film = VideoWriter(
                    source, self._folder, image, self._every, video=self._video
                )
            self._film.add(image, answer.frame.seconds or 0.0)
        except OSError as error:
            self._failed = source
            return str(error)
        return None

    def close(self) -> str | None:
        """Lets the video under way appear; returns why it could not be written, or None."""
        film, self._film = self._film, None
        try:
            if film:
                film.close()
        except OSError as error:
            return str(error)
        return None

    def __enter__(self) -> "AnnotatedOutput":
        if self._folder:
            self._held.enter_context(drawing_in(self._folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Lets go of the folder; a video under way appears, or after an error is removed."""
        with self._held:
            if self._film:
                self._film.discard() if error else self._film.close()


class VideoWriter:
    """A video that is being written beside its final name, and appears there once it is whole."""

    def __init__(
        self,
        source: Path,
        folder: Path,
        first: np.ndarray,
        every: int,
        *,
        video: VideoFormat = "webm",
    ) -> None:
        """Begins a film; its first frame is still to be added.

        Args:
            source: The video that it is a copy of.
            folder: For the file.
            first: A frame, for its size.
            every: The step between the frames that are added.
            video: Format of the file.

        Raises:
            OSError: it cannot be written.
        """
        self.source = source
        self._format = _FORMATS[video]
        self._path = folder / f"{drawing_name(source)}.{video}"
        if shown(self._path) != str(self._path):
            raise OSError(f"{self._path}: OpenCV writes no video into a folder that is not UTF-8")
        self._size = (first.shape[1], first.shape[0])
        self._camera = videos.is_camera(source)
        self._fps = (videos.read_header(source).fps or _CAMERA_FPS) / every
        self._written = 0
        self._replacing = ExitStack()
        self._partial = self._replacing.enter_context(atomic.replacing(self._path))
        code = cv2.VideoWriter.fourcc(*self._format.codec)
        with _quiet():
            self._writer = cv2.VideoWriter(str(self._partial), code, self._fps, self._size)
        if not self._writer.isOpened():
            self.discard()
            raise OSError(
                f"{self._path}: this OpenCV cannot write {self._format.name} of {self._size} pixels"
            )

    def add(self, image: np.ndarray, seconds: float) -> None:
        """Appends a frame that is shown at `seconds`."""
        if (image.shape[1], image.shape[0]) != self._size:  # a stream may change in its course
            image = cv2.resize(image, self._size)
        # A camera gives as many frames as there is time for; held, they keep its speed.
        due = round(seconds * self._fps) + 1 - self._written if self._camera else 1
        for _ in range(max(1, due)):
            self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            self._written += 1

    def close(self) -> None:
        """Lets the file appear.

        Raises:
            OSError: it is incomplete, as on a full disk, which OpenCV does not report; then there
                is none.
        """
        self._writer.release()
        try:
            frames = videos.read_header(self._partial).frames
            if frames != self._written or examine(self._partial).broken:
                raise OSError(
                    f"{self._path}: only {frames:,} of {self._written:,} frames of the drawn video "
                    "arrived in the file, so it was removed. Is there room on the disk?"
                )
            self._format.mark(self._partial)
        except OSError:
            self.discard()
            raise
        self._replacing.close()

    def discard(self) -> None:
        """Removes what was written; a file that has appeared stays."""
        self._writer.release()
        failure = OSError("discarded")  # by which `replacing` knows that it is not to appear
        self._replacing.__exit__(OSError, failure, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Sends to nowhere what C writes to standard error.

    OpenCV says of each WebM that it does not know VP8's tag, and then writes VP8.
    """
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
