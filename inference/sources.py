"""What a user names into frames: files, folders (recursive), globs, lists, videos, cameras.

Order is the user's, folders sorted, nothing twice. Pictures are not opened here, cameras are.
"""

import glob
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path

from annotations.images import SUFFIXES, find_files
from inference import videos
from inference.pipeline import Frame

Skip = Callable[[Path, int | None], bool]  # source, number of the frame (None: a picture)


def find_sources(paths: Iterable[str]) -> list[Path]:
    """Expands what was named on a command line.

    Args:
        paths: A file is taken whatever its suffix, a `.txt` file is read as one name a line, a
            folder gives all pictures and videos below it, `camera:0` is the first camera, anything
            with `*`, `?` or `[` is a glob.

    Returns:
        Pictures, videos and cameras, each once.

    Raises:
        FileNotFoundError: a name gives nothing at all, or a camera is not there.
    """
    found: dict[Path, None] = {}
    for name in paths:
        sources = _expand(name)
        if not sources:
            raise FileNotFoundError(f"No picture or video there: {name}")
        found.update(dict.fromkeys(sources))
    for source in filter(videos.is_camera, found):
        videos.check_camera(source)
    return list(found)


def frames(
    sources: Iterable[Path], *, every: int = 1, skip: Skip = lambda source, number: False
) -> Iterator[Frame]:
    """Yields all pictures, and the frames of videos and cameras, in order.

    Args:
        sources: From `find_sources`.
        every: Of a video or camera, take one frame of so many.
        skip: What it is true for is left out.
    """
    for source in sources:
        if videos.is_video(source):
            yield from videos.read_frames(source, every=every, skip=partial(skip, source))
        elif not skip(source, None):
            yield Frame.of_picture(source)


def count(
    sources: Iterable[Path], *, every: int = 1, skip: Skip = lambda source, number: False
) -> int:
    """Returns how many frames `frames` should yield by the videos' headers; 0: unknown."""
    total = 0
    for source in sources:
        numbers: Iterable[int | None] = [None]
        if videos.is_video(source):
            numbers = range(0, videos.read_header(source).frames, every)
            if not numbers:
                return 0
        total += sum(not skip(source, number) for number in numbers)
    return total


def unless_whole(has: Skip, *, every: int = 1) -> Skip:
    """Returns what to skip where a video is either skipped or gone through from its beginning.

    So it must be where a frame's result needs the frames before it: a smoothed one, a drawn video.

    Args:
        has: Whether a picture, or a frame, is there already.
        every: As for `frames`.
    """

    @cache
    def is_whole(video: Path) -> bool:
        promised = range(0, videos.read_header(video).frames, every)
        return bool(promised) and all(has(video, number) for number in promised)

    def skip(source: Path, number: int | None) -> bool:
        return is_whole(source) if number is not None else has(source, None)

    return skip


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if videos.is_camera(path):
        return [path]
    if path.is_dir():
        return find_files(path, SUFFIXES | videos.SUFFIXES)
    if path.is_file():
        return _read_list(path) if path.suffix.lower() == ".txt" else [path]
    return [found for match in sorted(glob.glob(name, recursive=True)) for found in _expand(match)]


def _read_list(path: Path) -> list[Path]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Path(line) for line in lines if line]
