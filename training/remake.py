"""Makes a finished step again and keeps its old result until the new one is complete.

    STEP/.new      the new result while it is made; a training that was killed is resumed there
    STEP/.whole    the new result, finished, before the old one is removed
    STEP/.moving   the new result while its files move to STEP; the manifest moves last

A step that has no finished result is made in its own folder, and so is a cache: its tensors would
need the disk space twice, and can be drawn again from what is kept.
"""

import shutil
from pathlib import Path

from pose_activity.artifacts import manifest
from pose_activity.artifacts.removal import remove, remove_tree
from pose_activity.learning.history import TRAINING_FILES
from pose_activity.training.own_files import files_of, files_of_step, prune

NEW, WHOLE, MOVING = ".new", ".whole", ".moving"
IN_PLACE = "cache"
_REUSED = {  # step -> what of the old result the new one may go on with, where it fits
    "stage1": ("fitted.json", "best.pt", "round*/*", "round*/weights/*", "judged.parquet"),
    "stage2": (*TRAINING_FILES, "augmentations.png"),
}


def begin(folder: Path, step: str) -> Path:
    """Returns the folder to make a step in.

    Args:
        folder: The step's own.
        step: Its name.

    Raises:
        OSError: what an earlier attempt left could not be removed.
    """
    if step == IN_PLACE or not (folder / manifest.NAME).exists():
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    work, reused = folder / NEW, _REUSED.get(step, ())
    if not reused:
        remove_tree(work)
    if not work.exists():
        fresh = folder / ".tmp-new"  # renamed when it is complete
        remove_tree(fresh)
        fresh.mkdir()
        for file in files_of(folder, reused):
            copy = fresh / file.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
        fresh.rename(work)
    return work


def finish(folder: Path, step: str, work: Path) -> None:
    """Puts a finished result in the place of the old one; files of other programs stay.

    Args:
        folder: The step's own.
        step: Its name.
        work: What `begin` returned, with its manifest.
    """
    if work != folder:
        work.rename(folder / WHOLE)
        settle(folder, step)


def settle(folder: Path, step: str) -> None:
    """Completes an unfinished exchange of results, perhaps of a process that was killed."""
    whole, moving = folder / WHOLE, folder / MOVING
    if whole.exists():
        old = files_of_step(folder, step)
        for path in old:
            remove(path)
        prune(folder, old)
        whole.rename(moving)  # from here on nothing is removed: the new files begin to arrive
    if moving.exists():
        _move(moving, folder)


def _move(source: Path, target: Path) -> None:
    """Moves a folder's content into another, the manifest last."""
    for path in sorted(source.iterdir(), key=lambda path: path.name == manifest.NAME):
        there = target / path.name
        if path.is_dir() and there.is_dir():
            _move(path, there)
        else:
            path.replace(there)
    source.rmdir()
