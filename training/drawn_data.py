"""A data set that the project draws: once, and never over files of others."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pose_activity.artifacts import manifest
from pose_activity.artifacts.lock import locked
from pose_activity.artifacts.removal import remove

_MARKER = ".drawn"


def draw_once(draw: Any, seed: int, *, names: Sequence[str], write: Callable[[], Path]) -> None:
    """Draws a data set into a folder, unless the same one is there already.

    Args:
        draw: The section `draw` of any kind of run: with the seed it decides what is drawn, and its
            `folder` is where.
        seed: Of the run.
        names: Files and folders that an earlier drawing may have left there.
        write: Draws, and returns the file whose digest identifies the data set.

    Raises:
        ValueError: the folder holds something that this function did not write.
    """
    folder, recipe = draw.folder, {**asdict(draw), "folder": str(draw.folder), "seed": seed}
    with locked(folder):
        if not manifest.why_stale(folder, recipe=recipe, inputs={}):
            return
        _empty(folder, names)
        manifest.write(folder, recipe=recipe, inputs={}, outputs=[write()])


def _empty(folder: Path, names: Sequence[str]) -> None:
    """Removes an earlier drawing, and no file of others."""
    marker = folder / _MARKER
    if not marker.exists() and {path.name for path in folder.iterdir()} - {".lock"}:
        raise ValueError(
            f"draw.folder must be new, empty or an earlier drawing. {folder} holds other files: "
            "name another folder."
        )
    marker.touch()
    for path in (folder / name for name in (manifest.NAME, *names)):
        remove(path)
