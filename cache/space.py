"""How much disk space a cache takes, before it is written."""

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

from pose_activity.cache.record import CacheError
from pose_activity.cache.storage import Layout

_OVERHEAD = 8192  # of an entry: headers, text, and what the file system rounds up


@dataclass(frozen=True)
class Space:
    """What a cache needs and what there is.

    Attributes:
        tensors: All entries.
        there: How many of them have their place on the disk already.
        each: Bytes of an entry.
        free: Bytes that the disk has left.
    """

    tensors: int
    there: int
    each: int
    free: int

    @property
    def needed(self) -> int:
        """Bytes that are yet to be written."""
        return (self.tensors - self.there) * self.each

    def __str__(self) -> str:
        kept = f", {self.there:,} of them from before" if self.there else ""
        size = f"{self.tensors:,} tensors{kept}, {decimal(self.tensors * self.each)}"
        return f"{size}; {decimal(self.free)} free"


def space_of(folder: Path, layout: Layout, *, tensors: int, there: int) -> Space:
    """Returns what entries of a layout take in a folder that exists, and what its disk has left."""
    arrays = layout.arrays.values()
    each = _OVERHEAD + sum(math.prod(spec.shape) * spec.dtype.itemsize for spec in arrays)
    return Space(tensors, there, each, shutil.disk_usage(folder).free)


def require(space: Space, folder: Path) -> None:
    """Refuses what cannot fit.

    Raises:
        CacheError: less is free than is yet to be written.
    """
    if space.needed > space.free:
        raise CacheError(
            f"The tensors must fit on the disk of {folder}. Received: {space}. Free some space, "
            "choose a run_dir on another disk, or make the tensors smaller."
        )
