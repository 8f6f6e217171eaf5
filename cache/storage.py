"""Where tensors lie: a file each, or nowhere and drawn anew for each reader.

A shelf keeps tensors of one `Layout` by their `Entry`, and each tensor vouches for itself: an
entry's sha256 is written with it, after it. Writing goes `kept`, `put` where nothing was kept,
`finish` when all is there; a killed writer's whole tensors are kept by the next one. The third kind
of shelf is `cache.memory_map`. Knows neither manifests nor the index.
"""

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from pose_activity.artifacts import atomic
from pose_activity.cache.recompute import Origin
from pose_activity.cache.record import CacheError, Entry, changed, digest_of

FOLDER = "tensors"


class Layout(Protocol):
    """What a shelf knows of a recipe: how its tensors lie in memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a tensor."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Of a tensor."""
        ...


class TensorStore(Protocol):
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


class NpyFiles:
    """`KEY.npy`, and `KEY.txt` that says what it is, for each tensor."""

    def __init__(self, folder: Path, recipe: Layout) -> None:
        """Opens the shelf of a cache folder; nothing need be there."""
        self.folder = folder / FOLDER
        self.recipe = recipe

    def path(self, key: str) -> Path:
        """Returns where the tensor of a key lies."""
        return self.folder / f"{key}.npy"

    def kept(self, entry: Entry) -> str | None:
        """See `TensorStore`."""
        try:
            text = self.path(entry.key).with_suffix(".txt").read_bytes()
            digest = digest_of(self._read(entry))
        except (OSError, CacheError):
            return None
        return digest if text == replace(entry, sha256=digest).text.encode() else None

    def put(self, entry: Entry, tensor: np.ndarray) -> None:
        """See `TensorStore`."""
        buffer = io.BytesIO()
        np.save(buffer, tensor, allow_pickle=False)
        path = self.path(entry.key)
        atomic.write_bytes(path, buffer.getvalue())
        atomic.write_text(path.with_suffix(".txt"), entry.text)

    def finish(self) -> None:
        """See `TensorStore`: each file is durable already."""

    def get(self, entry: Entry) -> np.ndarray:
        """See `TensorStore`."""
        return self._read(entry)

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """See `TensorStore`."""
        files = (self.path(entry.key) for entry in entries)
        pairs = (file for path in files for file in (path, path.with_suffix(".txt")))
        return [f"{path.name}: missing" for path in pairs if not path.exists()]

    def _read(self, entry: Entry) -> np.ndarray:
        try:
            tensor = np.load(io.BytesIO(self.path(entry.key).read_bytes()), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise CacheError(f"The tensor of {entry.image} cannot be read ({error}).") from None
        check_layout(entry, tensor, self.recipe)
        return tensor


class Nowhere:
    """No tensor is stored: each is drawn anew for each reader, see `cache.recompute`.

    What is drawn is always compared with the digest of what was drawn when the cache was built, so
    batches are those of a stored cache or there is an error.
    """

    def __init__(self, origin: Origin) -> None:
        """Opens a shelf without boards.

        Args:
            origin: Draws the tensors.
        """
        self.origin = origin

    def kept(self, entry: Entry) -> str | None:
        """See `TensorStore`."""
        return None

    def put(self, entry: Entry, tensor: np.ndarray) -> None:
        """See `TensorStore`: there is nothing to store."""

    def finish(self) -> None:
        """See `TensorStore`."""

    def get(self, entry: Entry) -> np.ndarray:
        """See `TensorStore`."""
        tensor = self.origin.draw(entry)
        if digest_of(tensor) != entry.sha256:
            raise CacheError(f"{changed(entry)}, or what draws it did.")
        return tensor

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """See `TensorStore`."""
        return self.origin.missing(entries)


def check_layout(entry: Entry, tensor: np.ndarray, layout: Layout) -> None:
    """Refuses an array that is no tensor of the recipe."""
    if tensor.shape != layout.shape or tensor.dtype != layout.dtype:
        raise CacheError(
            f"The tensor of {entry.image} should be {layout.dtype} {layout.shape}. "
            f"Received: {tensor.dtype} {tensor.shape}."
        )
