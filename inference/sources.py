"""What a user names into frames: files, folders (recursive), globs, lists, videos, cameras.

Order is the user's, folders sorted, nothing twice. What this project drew is not an input, wherever
it is. Images are not opened here, cameras are.
"""

import glob
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.drawing_mark import is_drawing
from pose_activity.annotations.images import SUFFIXES, ImageError, check_picture
from pose_activity.annotations.media import Media, describe_unread, find_media
from pose_activity.annotations.text import preview
from pose_activity.annotations.videos import Frame
from pose_activity.inference import lists
from pose_activity.inference.options import Session
from pose_activity.inference.results import FrameResult

_ARRAY = Path("array")  # stands for a path in what is said about an array
READ = SUFFIXES | videos.SUFFIXES

Skip = Callable[[Path, int | None], bool]  # source, number of the frame (None: a picture)
Note = Callable[[str], None]


def find_sources(paths: Iterable[str], *, on_note: Note = lambda note: None) -> list[Path]:
    """Expands what was named on a command line.

    Args:
        paths: A file is taken whatever its suffix, a `.txt` file is read as one name per line, a
            folder gives all pictures and videos below it, `camera:0` is the first camera, anything
            with `*`, `?` or `[` is a glob.
        on_note: Told what was left out: files that OpenCV does not read, what this project drew,
            text files that are not lists.

    Returns:
        Pictures, videos and cameras, each once.

    Raises:
        FileNotFoundError: a name gives nothing at all, or a camera is not there.
        ValueError: a `.txt` file is not text.
    """
    found = _Found()
    names = list(paths)
    for name in names:
        if not found.add(name):
            raise FileNotFoundError(f"No picture or video there: {name}")
    notes = list(found.notes())
    if not found.sources:
        raise FileNotFoundError(" ".join([f"No picture or video there: {preview(names)}.", *notes]))
    for note in notes:
        on_note(note)
    for source in filter(videos.is_camera, found.sources):
        videos.check_camera(source)
    return list(found.sources)


def frames(
    sources: Iterable[Path], *, every: int = 1, skip: Skip = lambda source, number: False
) -> Iterator[Frame]:
    """Yields all pictures, and the frames of videos and cameras, in order.

    Args:
        sources: From `find_sources`.
        every: Use every Nth frame of a video or camera.
        skip: What it is true for is left out.
    """
    for source in sources:
        if videos.is_video(source):
            yield from videos.read_frames(source, every=every, skip=partial(skip, source))
        elif not skip(source, None):
            yield _picture(source)


def count(
    sources: Iterable[Path], *, every: int = 1, skip: Skip = lambda source, number: False
) -> int:
    """Returns about how many frames `frames` will yield, by the videos' headers; 0: unknown.

    What is skipped of a video is taken for its beginning, so that a header may promise any number.
    """
    total = 0
    for source in sources:
        if not videos.is_video(source):
            total += not skip(source, None)
            continue
        numbers = range(0, videos.read_header(source).frames, every)
        if not numbers:
            return 0
        total += len(numbers) - bisect_left(
            numbers, True, key=lambda number, source=source: not skip(source, number)
        )
    return total


def go_through(
    sources: Sequence[Path],
    answers: Callable[[Iterable[Frame]], Iterable[FrameResult]],
    session: Session,
    *,
    every: int,
    whole: bool,
) -> Iterator[FrameResult]:
    """Yields the answers about all frames that have no rows yet.

    Args:
        sources: From `find_sources`.
        answers: Makes answers of frames, one each, in order.
        session: Says what has rows already, and takes the progress.
        every: As for `frames`.
        whole: Whether a video is gone through from its beginning; see `unless_whole`.
    """
    skip = unless_whole(session.has, every=every) if whole else session.has
    total = count(sources, every=every, skip=skip)
    todo = session.until(frames(sources, every=every, skip=skip))
    for done, answer in enumerate(answers(todo), 1):
        yield answer
        session.on_progress(done, total, answer.source.name)


def frame_of(value: Any) -> Frame:
    """Returns the frame of a path to an image, or of an `(H, W, 3)` uint8 RGB array.

    Raises:
        TypeError: something else.
        ImageError: a video's path.
        ValueError: an array of another shape or dtype.
    """
    if isinstance(value, (str, PathLike)):
        path = Path(value)
        if videos.is_video(path):
            raise ImageError(
                f"{path}: a video, and this model names pictures: infer.py reads its frames one by "
                "one"
            )
        return Frame.of_picture(path)
    if not isinstance(value, np.ndarray):
        raise TypeError(f"A picture is a path or an array. Received: {type(value).__name__}")
    pixels = check_picture(value)
    return Frame(_ARRAY, lambda: pixels)


def unless_whole(has: Skip, *, every: int = 1) -> Skip:
    """Returns what to skip where a video is either skipped or gone through from its beginning.

    So it must be where a frame's result needs the frames before it: a smoothed one, a drawn video.

    Args:
        has: Whether a picture, or a frame, is there already.
        every: As for `frames`.
    """

    @cache
    def is_whole(video: Path) -> bool:
        if videos.is_camera(video):
            return False
        promised = range(0, videos.read_header(video).frames, every)
        if promised and all(has(video, number) for number in promised):
            return True
        # A header may promise more than there is: then only its end tells.
        there = videos.read_frames(video, every=every)
        return all(has(video, frame.number) for frame in there)

    def skip(source: Path, number: int | None) -> bool:
        return is_whole(source) if number is not None else has(source, None)

    return skip


class _Found:
    """What some names lead to, each file once and in order.

    Attributes:
        sources: Pictures, videos and cameras.
        unread: Pictures and videos in folders that OpenCV does not read.
        drawings: What this project drew.
        texts: Those that are not lists.
    """

    def __init__(self) -> None:
        self.sources: dict[Path, None] = {}
        self.unread: dict[Path, None] = {}
        self.drawings: dict[Path, None] = {}
        self.texts: dict[Path, None] = {}

    def add(self, name: str) -> bool:
        """Adds what a name leads to; returns whether there is anything."""
        path = Path(name)
        if videos.is_camera(path):
            self.sources[path] = None
            return True
        if os.path.exists(path):
            return self._add_existing(path)
        matches = [self.add(match) for match in sorted(glob.glob(name, recursive=True))]
        return any(matches)

    def _add_existing(self, path: Path) -> bool:
        if path.suffix.lower() != lists.SUFFIX or not os.path.isfile(path):
            return self._add_media(path)
        named = lists.read_list(path, READ)
        for one in named:
            self._add_media(one)  # it may be missing: its row will say so
        if not named:
            self.texts[path] = None
        return True

    def _add_media(self, path: Path) -> bool:
        """Adds the files below a folder, or a file."""
        if os.path.isdir(path):
            media = find_media(path, READ)
        else:
            media = Media([], [], [path]) if is_drawing(path) else Media([path], [], [])
        for kept, more in zip((self.sources, self.unread, self.drawings), media, strict=True):
            kept.update(dict.fromkeys(more))
        return any(media)

    def notes(self) -> Iterator[str]:
        """Yields notes on files that are left out."""
        if self.unread:
            yield describe_unread(self.unread)
        if self.drawings:
            names = preview([path.name for path in self.drawings])
            yield f"Drawn by this project and left out: {len(self.drawings):,} ({names})."
        if self.texts:
            names = preview([path.name for path in self.texts])
            yield f"Not lists, since no line names a picture or video, and left out: {names}."


def _picture(path: Path) -> Frame:
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
        return Frame(path, partial(_refuse, f"{path}: {videos.NOT_REGULAR}"))
    return Frame.of_picture(path)


def _refuse(message: str) -> NoReturn:
    raise ImageError(message)
