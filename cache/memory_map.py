"""Tensors of a split in one file, `(N, ...)`, that readers map into memory.

    cache/tensors/train.npy    row after row, in the order of the sources
    cache/tensors/train.txt    a block per row: its key, then what a `.txt` file of one tensor says

The text is the journal of the writing, too: a row's block, with the digest of its bytes, is added
after the row. What a killed writer left is kept where bytes and digest agree. Until `finish` the
array's header says 0 rows.
"""

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pose_activity.annotations.types import SPLITS
from pose_activity.artifacts import atomic
from pose_activity.cache.record import CacheError, Entry, block_of, blocks_of, digest_of
from pose_activity.cache.storage import FOLDER, Layout, check_layout


class MemmapFiles:
    """One array a split; a `cache.storage.TensorStore`."""

    def __init__(self, folder: Path, recipe: Layout) -> None:
        """Opens the shelf of a cache folder; nothing need be there."""
        self.parts = {split: Part(folder / FOLDER / split, recipe) for split in SPLITS}

    def kept(self, entry: Entry) -> str | None:
        """See `TensorStore`."""
        return self.parts[entry.split].kept(entry)

    def put(self, entry: Entry, tensor: np.ndarray) -> None:
        """See `TensorStore`."""
        self.parts[entry.split].put(entry, tensor)

    def finish(self) -> None:
        """See `TensorStore`."""
        for part in self.parts.values():
            part.finish()

    def get(self, entry: Entry) -> np.ndarray:
        """See `TensorStore`."""
        return self.parts[entry.split].get(entry)

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """See `TensorStore`."""
        needed: dict[str, list[Entry]] = {}
        for entry in entries:
            needed.setdefault(entry.split, []).append(entry)
        return [line for split, own in needed.items() for line in self.parts[split].missing(own)]


@dataclass(frozen=True)
class Row:
    """Where a tensor lies in its array, and the text of its entry."""

    number: int
    text: str


class Part:
    """The two files of one split."""

    def __init__(self, stem: Path, layout: Layout) -> None:
        """Reads the text, if it is there.

        Args:
            stem: Path of the files without their suffixes.
            layout: Of a tensor.
        """
        self.array, self.text = stem.with_suffix(".npy"), stem.with_suffix(".txt")
        self.layout = layout
        self.size = int(np.prod(layout.shape)) * layout.dtype.itemsize  # bytes of a row
        self.start = len(_header(0, layout))
        self.rows = _read_rows(self.text)
        self._files: tuple[BinaryIO, BinaryIO] | None = None  # while rows are written

    def kept(self, entry: Entry) -> str | None:
        """Returns the digest of a row that is there, whole and of this entry; or None."""
        row = self.rows.get(entry.key)
        if row is None:
            return None
        try:
            with self.array.open("rb") as file:
                file.seek(self.start + row.number * self.size)
                data = file.read(self.size)
        except OSError:
            return None
        digest = digest_of(np.frombuffer(data, np.uint8))
        return digest if row.text == replace(entry, sha256=digest).text else None

    def put(self, entry: Entry, tensor: np.ndarray) -> None:
        """Writes a row, then its block; a damaged row is written again at its place."""
        array, text = self._files = self._files or self._open()
        known = self.rows.get(entry.key)
        number = known.number if known else len(self.rows)
        array.seek(self.start + number * self.size)
        array.write(np.ascontiguousarray(tensor).data)
        array.flush()
        self.rows[entry.key] = Row(number, entry.text)
        if not known:
            text.write(block_of(entry).encode())
            text.flush()

    def finish(self) -> None:
        """Writes the header that counts the rows, and the text in their order."""
        if not self.rows:
            return
        array, text = self._files or self._open()
        array.truncate(self.start + len(self.rows) * self.size)
        array.seek(0)
        array.write(_header(len(self.rows), self.layout))
        array.flush()
        os.fsync(array.fileno())
        array.close()
        text.close()
        self._files = None
        self._write_text()

    def get(self, entry: Entry) -> np.ndarray:
        """Returns a copy of a row."""
        try:
            mapped, row = self._mapped, self.rows[entry.key]
            tensor = np.array(mapped[row.number])
        except (OSError, ValueError, EOFError, LookupError) as error:
            raise CacheError(
                f"The tensor of {entry.image} cannot be read from {self.array} ({error!r})."
            ) from None
        check_layout(entry, tensor, self.layout)
        return tensor

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """Returns a line for each file, or row, that is gone."""
        files = [f"{path.name}: missing" for path in (self.array, self.text) if not path.exists()]
        if files:
            return files
        if self.array.stat().st_size < self.start + len(self.rows) * self.size:
            return [f"{self.array.name}: too short"]
        lost = (entry.key for entry in entries if entry.key not in self.rows)
        return [f"{self.text.name}: {key} missing" for key in lost]

    @cached_property
    def _mapped(self) -> np.ndarray:
        return np.load(self.array, mmap_mode="r", allow_pickle=False)

    def _open(self) -> tuple[BinaryIO, BinaryIO]:
        self.array.parent.mkdir(parents=True, exist_ok=True)
        self.array.touch()
        array = self.array.open("r+b")
        array.write(_header(0, self.layout))
        self._write_text()  # a torn block is gone, the next one begins a line
        return array, self.text.open("ab")

    def _write_text(self) -> None:
        rows = sorted(self.rows.items(), key=lambda item: item[1].number)
        atomic.write_text(self.text, "".join(f"key: {key}\n{row.text}\n" for key, row in rows))


def _header(rows: int, layout: Layout) -> bytes:
    """Returns a `.npy` header; numpy leaves room in it, so its length is the same for any count."""
    buffer = io.BytesIO()
    shape = (rows, *layout.shape)
    described = {"descr": layout.dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def _read_rows(text: Path) -> dict[str, Row]:
    if not text.exists():
        return {}
    blocks = blocks_of(text.read_bytes().decode(errors="replace"))
    return {key: Row(number, rest) for number, (key, rest) in enumerate(blocks)}
