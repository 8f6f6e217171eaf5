"""Where tensors lie: a file each, or nowhere and drawn anew for each reader.

A shelf keeps `(H, W, C)` uint8 tensors by their `Entry`, and each tensor vouches for itself: an
entry's sha256 is written with it, after it. Writing goes `kept`, `put` where nothing was kept,
`finish` when all is there; a killed writer's whole tensors are kept by the next one. The third kind
of shelf is `cache.memory_map`. Knows neither manifests nor the index.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from annotations.images import ImageError, load_rgb
from artifacts import atomic
from artifacts.manifest import sha256_file
from cache import poses
from cache.entry import WHOLE, CacheError, Entry, digest_of
from cache.planes import Recipe, make

FOLDER = "tensors"


class Shelf(Protocol):
    """What `Cache` and `build` ask of a place for tensors."""

    def kept(self, entry: Entry) -> str | None:
        """Returns the digest of a whole tensor with these facts, or None.

        Called from several threads; `entry.sha256` is empty.
        """
        ...

    def put(self, entry: Entry, tensor: np.ndarray) -> None:
        """Stores one tensor. Called from one thread, in the order of the sources."""
        ...

    def finish(self) -> None:
        """Makes what was put durable."""
        ...

    def get(self, entry: Entry) -> np.ndarray:
        """Returns a tensor that is the caller's own; raises CacheError where it cannot."""
        ...

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """Returns a line for each file that is needed and gone."""
        ...


class FilePerTensor:
    """`KEY.npy`, and `KEY.txt` that says what it is, for each tensor."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        """Opens the shelf of a cache folder; nothing need be there."""
        self.folder = folder / FOLDER
        self.recipe = recipe

    def path(self, key: str) -> Path:
        """Returns where the tensor of a key lies."""
        return self.folder / f"{key}.npy"

    def kept(self, entry: Entry) -> str | None:
        """See `Shelf`."""
        try:
            text = self.path(entry.key).with_suffix(".txt").read_bytes()
            digest = digest_of(self._read(entry))
        except (OSError, CacheError):
            return None
        return digest if text == replace(entry, sha256=digest).text.encode() else None

    def put(self, entry: Entry, tensor: np.ndarray) -> None:
        """See `Shelf`."""
        buffer = io.BytesIO()
        np.save(buffer, tensor, allow_pickle=False)
        path = self.path(entry.key)
        atomic.write_bytes(path, buffer.getvalue())
        atomic.write_text(path.with_suffix(".txt"), entry.text)

    def finish(self) -> None:
        """See `Shelf`: each file is durable already."""

    def get(self, entry: Entry) -> np.ndarray:
        """See `Shelf`."""
        return self._read(entry)

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """See `Shelf`."""
        files = (self.path(entry.key) for entry in entries)
        pairs = (file for path in files for file in (path, path.with_suffix(".txt")))
        return [f"{path.name}: missing" for path in pairs if not path.exists()]

    def _read(self, entry: Entry) -> np.ndarray:
        try:
            tensor = np.load(io.BytesIO(self.path(entry.key).read_bytes()), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise CacheError(f"The tensor of {entry.image} cannot be read ({error}).") from None
        check_shape(entry, tensor.dtype, tensor.shape, self.recipe.shape)
        return tensor


class Nowhere:
    """No tensor is stored: the picture is decoded and its planes are drawn for each reader.

    Poses come from `poses.parquet` in the cache's folder. What is drawn is always compared with the
    digest of what was drawn when the cache was built, so batches are those of a stored cache or
    there is an error.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        """Opens the shelf of a cache folder; nothing need be there."""
        self.answers = folder / poses.FILE
        self.recipe = recipe

    def kept(self, entry: Entry) -> str | None:
        """See `Shelf`."""
        return None

    def put(self, entry: Entry, tensor: np.ndarray) -> None:
        """See `Shelf`: there is nothing to store."""

    def finish(self) -> None:
        """See `Shelf`."""

    def get(self, entry: Entry) -> np.ndarray:
        """See `Shelf`."""
        try:
            pixels = load_rgb(entry.image)
        except ImageError as error:
            raise CacheError(f"{error}.") from None
        found = self._poses_of(entry) if self.recipe.needs_poses else None
        person = None if entry.person == WHOLE else entry.person
        tensor = make(pixels, found, self.recipe, person)
        if digest_of(tensor) != entry.sha256:
            raise CacheError(f"{_changed(entry)}, or what draws it did.")
        return tensor

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """See `Shelf`."""
        files = [self.answers] if self.recipe.needs_poses else []
        files += sorted({entry.image for entry in entries})
        return [f"{path.name}: missing" for path in files if not path.exists()]

    def _poses_of(self, entry: Entry) -> Any:
        row = self._rows.get(sha256_file(entry.image))
        if row is None:
            raise CacheError(f"{_changed(entry)}: {self.answers} knows no picture with its bytes.")
        return poses.from_row(row, entry.image)

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return poses.read_rows(self.answers, source=self.recipe.pose.asked)


def check_shape(
    entry: Entry, dtype: np.dtype, shape: Sequence[int], expected: Sequence[int]
) -> None:
    """Refuses an array that is no tensor of the recipe."""
    if tuple(shape) != tuple(expected) or dtype != np.uint8:
        raise CacheError(
            f"The tensor of {entry.image} should be uint8 {tuple(expected)}. "
            f"Received: {dtype} {tuple(shape)}."
        )


def _changed(entry: Entry) -> str:
    return f"{entry.image} changed since the cache was built"
