"""What tensors are drawn from, once more, where a cache stores none of them.

`Pictures` decodes the picture and reads stage 1's answer in the cache's `poses.parquet`; `Clips`
reads the joints in the cache's `clips.parquet`.
"""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.types import Poses
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.cache import poses
from pose_activity.cache.planes import Recipe, make
from pose_activity.cache.record import WHOLE, CacheError, Entry, changed
from pose_activity.cache.sequence import prepare
from pose_activity.cache.sequence_recipe import SequenceRecipe

CLIPS = "clips.parquet"  # see `annotations.clip_files`


class Origin(Protocol):
    """What `cache.storage.Nowhere` asks."""

    def draw(self, entry: Entry) -> np.ndarray:
        """Returns a tensor; raises CacheError where it cannot."""
        ...

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """Returns a line for each file that is needed and gone."""
        ...


def origin_of(folder: Path, recipe: Recipe | SequenceRecipe) -> Origin:
    """Returns what a recipe's tensors are drawn from; nothing need be there."""
    if isinstance(recipe, SequenceRecipe):
        return Clips(folder, recipe)
    return Pictures(folder, recipe)


class Pictures:
    """Pictures where they were when the cache was built, and `poses.parquet` in its folder."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        """Takes the folder of a cache."""
        self.answers = folder / poses.FILE
        self.recipe = recipe

    def draw(self, entry: Entry) -> np.ndarray:
        """See `Origin`."""
        try:
            pixels = load_rgb(entry.image)
        except ImageError as error:
            raise CacheError(f"{error}.") from None
        found = self._poses_of(entry) if self.recipe.needs_poses else None
        return make(pixels, found, self.recipe, None if entry.person == WHOLE else entry.person)

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """See `Origin`."""
        files = [self.answers] if self.recipe.needs_poses else []
        files += sorted({entry.image for entry in entries})
        return [f"{path.name}: missing" for path in files if not path.exists()]

    def _poses_of(self, entry: Entry) -> Poses:
        row = self._rows.get(sha256_file(entry.image))
        if row is None:
            raise CacheError(f"{changed(entry)}: {self.answers} knows no picture with its bytes.")
        return poses.from_row(row, entry.image)

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return poses.read_rows(self.answers, source=self.recipe.pose.asked)


class Clips:
    """`clips.parquet` in the cache's folder: the clips that its tensors were made from."""

    def __init__(self, folder: Path, recipe: SequenceRecipe) -> None:
        """Takes the folder of a cache."""
        self.file = folder / CLIPS
        self.recipe = recipe

    def draw(self, entry: Entry) -> np.ndarray:
        """See `Origin`."""
        clip = self._clips.get(entry.image)
        if clip is None:
            raise CacheError(f"{changed(entry)}: {self.file} knows no clip of that name.")
        try:
            return prepare(clip, self.recipe).tensor(entry.window)
        except (ValueError, IndexError) as error:
            raise CacheError(f"{changed(entry)} ({error}).") from None

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """See `Origin`."""
        return [] if self.file.exists() else [f"{self.file.name}: missing"]

    @cached_property
    def _clips(self) -> dict[Path, Clip]:
        try:
            return {Path(clip.name): clip for clip in read_clips(self.file)}
        except ValueError as error:
            raise CacheError(str(error)) from None
