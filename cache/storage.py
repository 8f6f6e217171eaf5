"""Where the arrays of a cache are stored: in files of each entry; or see `cache.memory_map`.

A store keeps arrays of one `Layout` by their `Entry`, and each entry can be checked alone: its
sha256 and what it was made from are written with its arrays, after them. Writing goes `kept`, then
`keep` or `put` of every entry, `finish` when all is there; whole entries of a killed writer, or of
a finished one with other labels and splits, are kept by the next one. Knows neither manifests nor
the index.
"""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, Self

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
        """Returns the digest of the whole arrays that were made from the same, or None.

        Called from several threads, and writes nothing; only `entry.key` and `entry.made_from` are
        looked at.
        """
        ...

    def text(self, entry: Entry) -> str | None:
        """Returns what is written about an entry, see `Entry.text`; None where it is not there."""
        ...

    def keep(self, entry: Entry) -> None:
        """Notes that `kept` arrays are this entry's. Called from one thread, as `put` is."""
        ...

    def put(self, entry: Entry, arrays: Arrays) -> None:
        """Stores one entry. Called from one thread, in the order of the sources."""
        ...

    def adopt(self, entry: Entry, other: Self) -> None:
        """Stores one entry as another store of this kind has it, whose files stay; as `put`."""
        ...

    def finish(self) -> None:
        """Makes what was kept and put durable, and removes everything else."""
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
        self._wanted: set[str] = set()  # names of files, while a cache is written

    def path(self, key: str, name: str = X) -> Path:
        """Returns where an array of a key is."""
        return self.folder / file_name(key, name)

    def kept(self, entry: Entry) -> str | None:
        """See `TensorStore`."""
        try:
            digest = digest_of(self.get(entry))
        except CacheError:
            return None
        return digest if is_made_from(self.text(entry) or "", entry.made_from, digest) else None

    def text(self, entry: Entry) -> str | None:
        """See `TensorStore`."""
        try:
            return self._text(entry).read_bytes().decode(errors="replace")
        except OSError:
            return None

    def keep(self, entry: Entry) -> None:
        """See `TensorStore`."""
        if self.text(entry) != entry.text:  # another label or split
            atomic.write_text(self._text(entry), entry.text)
        self._wanted |= {path.name for path in self._files(entry)}

    def put(self, entry: Entry, arrays: Arrays) -> None:
        """See `TensorStore`."""
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            atomic.write_bytes(self.path(entry.key, name), buffer.getvalue())
        atomic.write_text(self._text(entry), entry.text)
        self._wanted |= {path.name for path in self._files(entry)}

    def adopt(self, entry: Entry, other: Self) -> None:
        """See `TensorStore`: the files are linked, where the file system can."""
        for source in other._files(entry):
            atomic.link(source, self.folder / source.name)
        self._wanted |= {path.name for path in self._files(entry)}

    def finish(self) -> None:
        """See `TensorStore`: each file is durable already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.iterdir():
            if path.suffix in (".npy", ".txt") and path.name not in self._wanted:
                path.unlink()

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
        files = (file for entry in entries for file in self._files(entry))
        return [f"{path.name}: missing" for path in files if not path.exists()]

    def _files(self, entry: Entry) -> list[Path]:
        return [*(self.path(entry.key, n) for n in self.recipe.arrays), self._text(entry)]

    def _text(self, entry: Entry) -> Path:
        return self.folder / f"{entry.key}.txt"


def is_made_from(text: str, made_from: str, digest: str) -> bool:
    """Returns whether an entry's text names this digest of its arrays, and what they are made from.

    An older version did not write down the latter: where it is empty it is not compared.
    """
    lines = text.split("\n")
    same = not made_from or f"made_from: {made_from}" in lines
    return same and f"sha256: {digest}" in lines


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
