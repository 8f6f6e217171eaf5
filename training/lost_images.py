"""Whether a report was made while images of its page were gone, and some are there again.

A report can be made without them: its page then says that they cannot be read. The step's manifest
counts them, so that the report is made again once they are back.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from pose_activity.artifacts import manifest

_COUNT = "missing_images"


def count_missing(files: Iterable[Path]) -> dict[str, int]:
    """Returns the number of files that are gone, as a step's counts; nothing if all are there."""
    missing = sum(not file.is_file() for file in {*files})
    return {_COUNT: missing} if missing else {}


def found_again(folder: Path, files: Callable[[], Iterable[Path]]) -> list[str]:
    """Returns a line if fewer files are gone now than when a step was finished; see `Step`.

    Args:
        folder: Of the step; its manifest holds `count_missing(files())` of then.
        files: Returns what its page shows.
    """
    counts = (manifest.read(folder) or {"counts": {}})["counts"]
    before = counts.get(_COUNT, 0)
    now = count_missing(files()).get(_COUNT, 0) if before else 0
    return [f"{before - now} images were missing, and are there again"] if now < before else []
