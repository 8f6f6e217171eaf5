"""Answers into a folder of pictures and videos: `--draw`.

A picture becomes a JPEG; a video, or what a camera gave, an MP4 of the same size and speed. Frames
that `every` leaves out are not in it: it has fewer a second and lasts as long. Files are whole or
absent.
"""

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from annotations.images import write_drawing
from artifacts.names import shown
from cache.entry import key_of
from inference import overlay, videos
from inference.pipeline import Answer

_LONGEST_JPEG = 65_500  # pixels a side
_CAMERA_FPS = 25.0
_CODEC = "mp4v"  # every OpenCV brings it


class Drawings:
    """Draws answers: `paint` beside the graphs, in any thread, then `add`, in order.

    Nothing is raised for a picture that cannot be drawn: the answers matter more. `add` says so.
    """

    def __init__(self, folder: Path | None, *, threshold: float, every: int = 1) -> None:
        """Makes the folder.

        Args:
            folder: For the files; None draws nothing.
            threshold: Joints with a lower confidence are left out.
            every: The frames of videos are this many apart.

        Raises:
            OSError: it cannot be made.
        """
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._threshold, self._every = folder, threshold, every
        self._film: Film | None = None
        self._failed: Path | None = None

    def paint(self, answer: Answer) -> np.ndarray | str | None:
        """Draws a picture's file, or the people in a video's frame.

        Returns:
            The frame, `(H, W, 3)` uint8 RGB; of a picture why it was not drawn, or None.
        """
        if answer.pixels is None or self._folder is None:
            return None
        image = overlay.paint_people(answer.pixels, answer.rows, threshold=self._threshold)
        if answer.frame.number is not None:
            return image
        source = answer.frame.source
        if max(image.shape) > _LONGEST_JPEG:
            return f"{source}: {image.shape[1]}x{image.shape[0]} is too large for a JPEG"
        try:
            write_drawing(self._folder / f"{key_of(source)}.jpg", _finished(image, answer))
        except OSError as error:
            return f"{source}: {error}"
        return None

    def add(self, answer: Answer) -> str | None:
        """Puts a frame into its video; call it for every answer, with what `paint` made.

        Returns:
            What could not be drawn and why, or None.
        """
        source = answer.frame.source
        if self._film and self._film.source != source:
            self.close()
        if not isinstance(answer.made, np.ndarray):
            return answer.made
        if source == self._failed or self._folder is None:
            return None
        image = _finished(answer.made, answer)
        try:
            if self._film is None:
                self._film = Film(source, self._folder, image, self._every)
            self._film.add(image, answer.frame.seconds or 0.0)
        except OSError as error:
            self._failed = source
            return str(error)
        return None

    def close(self) -> None:
        """Lets the video under way appear."""
        if self._film:
            self._film.close()
            self._film = None

    def __enter__(self) -> "Drawings":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._film:
            self._film.close(whole=error is None)


def _finished(image: np.ndarray, answer: Answer) -> np.ndarray:
    """Returns the picture with the answer about the whole of it, where there is one."""
    first = answer.rows[0]
    return image if first.person is not None else overlay.paint_answer(image, first)


class Film:
    """A video that is being written beside its final name; one that was killed is overwritten."""

    def __init__(self, source: Path, folder: Path, first: np.ndarray, every: int) -> None:
        """Begins a film; its first frame is still to be added.

        Args:
            source: The video that it is a copy of.
            folder: For the file.
            first: A frame, for its size.
            every: The frames that are added lie so many apart.

        Raises:
            OSError: it cannot be written.
        """
        self.source = source
        self._path = folder / f"{key_of(source)}.mp4"
        self._partial = self._path.with_name(f".{self._path.stem}.partial.mp4")
        self._size = (first.shape[1], first.shape[0])
        self._camera = videos.is_camera(source)
        self._fps = (videos.read_header(source).fps or _CAMERA_FPS) / every
        self._written = 0
        if shown(self._partial) != str(self._partial):  # OpenCV crashes on it
            raise OSError(f"{self._path}: the folder's name is not UTF-8. Name another one")
        code = cv2.VideoWriter.fourcc(*_CODEC)
        self._writer = cv2.VideoWriter(str(self._partial), code, self._fps, self._size)
        if not self._writer.isOpened():
            self.close(whole=False)
            raise OSError(f"{self._path}: this OpenCV cannot write an MP4 of {self._size} pixels")

    def add(self, image: np.ndarray, seconds: float) -> None:
        """Appends a frame that is shown at `seconds`."""
        if (image.shape[1], image.shape[0]) != self._size:  # a stream may change in its course
            image = cv2.resize(image, self._size)
        # A camera gives as many frames as there is time for; held, they keep its speed.
        due = round(seconds * self._fps) + 1 - self._written if self._camera else 1
        for _ in range(max(1, due)):
            self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            self._written += 1

    def close(self, *, whole: bool = True) -> None:
        """Lets the file appear, or removes it."""
        self._writer.release()
        if whole:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)
