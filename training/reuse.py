"""Takes over finished steps of other run folders that ask for the same.

A step is taken over only where its manifest says that it was made from what is asked for now: the
same question, by the same code, that decides whether a run skips a step. Its files are linked, not
copied, where the disk can do that. Nobody writes into a finished file (a new one takes its name),
so the other run keeps what it has.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pose_activity.artifacts import manifest
from pose_activity.configs.sections import Run
from pose_activity.training.file_digest import MEMORY
from pose_activity.training.own_files import TENSORS, files_of
from pose_activity.training.steps import Step, as_json

# A cache's files that another recipe, or another classifier, can go on with. They check themselves.
_KEPT = {"cache": ("poses.parquet", "features.parquet", "watched/*.parquet", "watched/asked.json")}
_NEEDED = {"cache": TENSORS}  # beside the files that the manifest lists


def remember_digests(run: Run, source: Path) -> None:
    """Lets a run know the digests that another one took, so that no picture is read again."""
    if (source / MEMORY).is_file() and not (run.run_dir / MEMORY).exists():
        run.run_dir.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / MEMORY, run.run_dir / MEMORY)


def take_over(run: Run, step: Step, sources: Sequence[Path]) -> Path | None:
    """Gives a run a finished step of another one, if one has the same.

    Where none has, what can be used of the most similar one is taken.

    Args:
        run: The steps before this one are finished.
        step: Of the run; it has no finished result.
        sources: Run folders, the preferred first.

    Returns:
        The run folder that it is from; None: the step must be made.
    """
    asked = step.made_from()
    recipe, folder = as_json(asked.recipe), run.run_dir / step.name
    differing: dict[Path, int] = {}
    for source in sources:
        found = manifest.read(source / step.name)
        if found is not None:
            lines = manifest.changes(found, recipe=recipe, inputs=asked.inputs, step=step.name)
            differing[source] = len(lines)
    for source, lines in differing.items():
        if not lines:
            needed = (*step.files, *_NEEDED.get(step.name, ()), *_KEPT.get(step.name, ()))
            _link(source / step.name, folder, [*needed, manifest.NAME])
            if not _damaged(step, folder):
                return source
            (folder / manifest.NAME).unlink()
    if differing:
        nearest = min(differing, key=lambda source: differing[source])
        _link(nearest / step.name, folder, _KEPT.get(step.name, ()))
    return None


def _damaged(step: Step, folder: Path) -> bool:
    """Whether files are gone, or not those that the manifest lists."""
    found = manifest.read(folder) or {"outputs": {}}
    return bool(manifest.altered(folder, found) or step.lost_files())


def _link(source: Path, target: Path, patterns: Sequence[str]) -> None:
    """Puts the files of a folder into another one, in the order of the patterns."""
    for file in files_of(source, patterns):
        there = target / file.relative_to(source)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.unlink(missing_ok=True)
        try:
            os.link(file, there)
        except OSError:  # another disk, or one without links
            shutil.copy2(file, there)
