"""Where the arrays of a cache are stored: in files of each entry; or see `cache.memory_map`.

A store keeps arrays of one `Layout` by their `Entry`, and each entry can be checked alone: its
sha256 is written with its arrays, after them. Writing goes `kept`, `put` where nothing was kept,
`finish` when all is there; a killed writer's whole entries are kept by the next one. Knows neither
manifests nor the index.
"""

import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from pose_activity.artifacts import atomic
from pose_activity.cache.record import Arrays, ArraySpec, CacheError, Entry, X, digest_of

FOLDER = "tensors"


class Layout(Protocol):
    """What a store knows about a recipe."""

    @property
    def arrays(self) -> Mapping[str, ArraySpec]:
        """By their names, the arrays that each entry has."""
        ...


class TensorStore(Protocol):
    """What `Cache` and `build` ask of a place for arrays."""

    def kept(self, entry: Entry) -> str | None:
        """Returns the digest of a whole entry with these facts, or None.

        Called from several threads; `entry.sha256` is empty.
        """
        ...

    def put(self, entry: Entry, arrays: Arrays) -> None:
        """Stores one entry. Called from one thread, in the order of the sources."""
        ...

    def finish(self) -> None:
        """Makes what was put durable."""
        ...

    def get(self, entry: Entry) -> Arrays:
        """Returns arrays that are the caller's own; raises CacheError if it cannot."""
        ...

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """Returns a line for each file that is needed and gone."""
        ...


class NpyFiles:
    """`KEY.npy`, `KEY.NAME.npy` of an array not called "x", and `KEY.txt` that says what it is."""

    def __init__(self, folder: Path, recipe: Layout) -> None:
        """Opens the store of a cache folder; nothing need be there."""
        self.folder = folder / FOLDER
        self.recipe = recipe

    def path(self, key: str, name: str = X) -> Path:
        """Returns where an array of a key is."""
        return self.folder / file_name(key, name)

    def kept(self, entry: Entry) -> str | None:
        """See `TensorStore`."""
        try:
            text = self._text(entry).read_bytes()
            digest = digest_of(self.get(entry))
        except (OSError, CacheError):
            return None
        return digest if text == replace(entry, sha256=digest).text.encode() else None

    def put(self, entry: Entry, arrays: Arrays) -> None:
        """See `TensorStore`."""
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            atomic.write_bytes(self.path(entry.key, name), buffer.getvalue())
        atomic.write_text(self._text(entry), entry.text)

    def finish(self) -> None:
        """See `TensorStore`: each file is durable already."""

    def get(self, entry: Entry) -> Arrays:
        """See `TensorStore`."""
        try:
            arrays = {
                name: np.load(
                    io.BytesIO(self.path(entry.key, name).read_bytes()), allow_pickle=False
                )
                for name in self.recipe.arrays
            }
        except (OSError, ValueError, EOFError) as error:
            raise CacheError(f"The tensor of {entry.source} cannot be read ({error}).") from None
        check_layout(entry, arrays, self.recipe)
        return arrays

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """See `TensorStore`."""
        files = (
            file
            for entry in entries
            for file in (*(self.path(entry.key, n) for n in self.recipe.arrays), self._text(entry))
        )
        return [f"{path.name}: missing" for path in files if not path.exists()]

    def _text(self, entry: Entry) -> Path:
        return self.folder / f"{entry.key}.txt"


def file_name(stem: str, name: str) -> str:
    """Returns the file name of an array by its name in the recipe."""
    return f"{stem}.npy" if name == X else f"{stem}.{name}.npy"


def check_layout(entry: Entry, arrays: Arrays, layout: Layout) -> None:
    """Refuses arrays that are not the recipe's."""
    for name, spec in layout.arrays.items():
        array = arrays[name]
        if array.shape != spec.shape or array.dtype != spec.dtype:
            raise CacheError(
                f"The tensor of {entry.source} should be {spec.dtype} {spec.shape}. "
                f"Received: {array.dtype} {array.shape}."
            )
