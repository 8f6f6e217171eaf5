"""Arrays of a split in one file, `(N, ...)`, that readers map into memory.

    cache/tensors/train.npy        row after row, in the order of the sources
    cache/tensors/train.NAME.npy   the same of an array that is not called "x"
    cache/tensors/train.txt        a block per row: its key, then what an entry's `.txt` file says

The text is the journal of the writing, too: a row's block, with the digest of its bytes, is added
after the row. What a killed writer left is kept where bytes and digest agree. Until `finish` the
headers of the arrays say 0 rows; where rows came, went or moved to another split, it writes the
arrays anew in their order, which takes the disk space of a split twice for that while.
"""

import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from pose_activity.annotations.types import SPLITS
from pose_activity.artifacts import atomic
from pose_activity.cache.record import (
    Arrays,
    ArraySpec,
    CacheError,
    Entry,
    block_of,
    blocks_of,
    digest_of,
)
from pose_activity.cache.storage import FOLDER, Layout, check_layout, file_name, is_made_from


class MemmapFiles:
    """One file per split and array; a `cache.storage.TensorStore`."""

    def __init__(self, folder: Path, recipe: Layout) -> None:
        """Opens the store of a cache folder; nothing need be there."""
        self.parts = {split: Part(folder / FOLDER / split, recipe) for split in SPLITS}
        self._kept_in: dict[str, Part] = {}  # key -> where its arrays are, perhaps another split's

    def kept(self, entry: Entry) -> str | None:
        """See `TensorStore`."""
        own = self.parts[entry.split]
        for part in (own, *(part for part in self.parts.values() if part is not own)):
            digest = part.kept(entry)
            if digest:
                self._kept_in[entry.key] = part
                return digest
        return None

    def text(self, entry: Entry) -> str | None:
        """See `TensorStore`."""
        row = self.parts[entry.split].rows.get(entry.key)
        return row and row.text

    def keep(self, entry: Entry) -> None:
        """See `TensorStore`."""
        own, kept_in = self.parts[entry.split], self._kept_in[entry.key]
        if kept_in is own:
            own.keep(entry)
        else:
            own.put(entry, kept_in.kept_arrays(entry))

    def put(self, entry: Entry, arrays: Arrays) -> None:
        """See `TensorStore`."""
        self.parts[entry.split].put(entry, arrays)

    def adopt(self, entry: Entry, other: Self) -> None:
        """See `TensorStore`."""
        self.put(entry, other.parts[entry.split].kept_arrays(entry))

    def finish(self) -> None:
        """See `TensorStore`."""
        for part in self.parts.values():
            part.finish()

    def get(self, entry: Entry) -> Arrays:
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
    """Where an entry is in the arrays, and its text."""

    number: int
    text: str


class Part:
    """The files of one split."""

    def __init__(self, stem: Path, layout: Layout) -> None:
        """Reads the text, if it is there.

        Args:
            stem: Path of the files without their suffixes.
            layout: Of an entry.
        """
        self.columns = {
            name: Column(stem.with_name(file_name(stem.name, name)), spec)
            for name, spec in layout.arrays.items()
        }
        self.text = stem.with_suffix(".txt")
        self.layout = layout
        self.rows = _read_rows(self.text)
        self._journal: BinaryIO | None = None  # while rows are written
        self._wanted: dict[str, str] = {}  # key -> text, in the order of the sources

    def kept(self, entry: Entry) -> str | None:
        """Returns the digest of a row that is there, whole and made from the same; or None."""
        row = self.rows.get(entry.key)
        if row is None:
            return None
        try:
            found = {name: column.bytes_of(row.number) for name, column in self.columns.items()}
        except OSError:
            return None
        digest = digest_of(found)
        return digest if is_made_from(row.text, entry.made_from, digest) else None

    def kept_arrays(self, entry: Entry) -> Arrays:
        """Returns a row that `kept` found, whatever the headers say."""
        number = self.rows[entry.key].number
        return {name: column.array_of(number) for name, column in self.columns.items()}

    def keep(self, entry: Entry) -> None:
        """Takes a row as this entry's."""
        self._wanted[entry.key] = entry.text

    def put(self, entry: Entry, arrays: Arrays) -> None:
        """Writes a row, then its block; a damaged row is written again at its place."""
        self._journal = journal = self._journal or self._open()
        known = self.rows.get(entry.key)
        number = known.number if known else len(self.rows)
        for name, array in arrays.items():
            self.columns[name].write(number, array)
        self.rows[entry.key] = Row(number, entry.text)
        self.keep(entry)
        if not known:
            journal.write(block_of(entry).encode())
            journal.flush()

    def finish(self) -> None:
        """Puts the rows into their order, and writes headers that count them, and the text."""
        if not self._wanted:
            self._remove()
            return
        journal = self._journal or self._open()
        order = [self.rows[key].number for key in self._wanted]
        for column in self.columns.values():
            column.finish(order)
        journal.close()
        self._journal = None
        self.rows = {key: Row(n, text) for n, (key, text) in enumerate(self._wanted.items())}
        self._write_text()

    def get(self, entry: Entry) -> Arrays:
        """Returns a copy of a row."""
        arrays = {}
        for name, column in self.columns.items():
            try:
                mapped, row = column.mapped, self.rows[entry.key]
                arrays[name] = np.array(mapped[row.number])
            except (OSError, ValueError, EOFError, LookupError) as error:
                raise CacheError(
                    f"The tensor of {entry.source} cannot be read from {column.path} ({error!r})."
                ) from None
        check_layout(entry, arrays, self.layout)
        return arrays

    def missing(self, entries: Iterable[Entry]) -> list[str]:
        """Returns a line for each file, or row, that is gone."""
        paths = [*(column.path for column in self.columns.values()), self.text]
        files = [f"{path.name}: missing" for path in paths if not path.exists()]
        if files:
            return files
        short = [c.path.name for c in self.columns.values() if not c.holds(len(self.rows))]
        if short:
            return [f"{name}: too short" for name in short]
        lost = (entry.key for entry in entries if entry.key not in self.rows)
        return [f"{self.text.name}: {key} missing" for key in lost]

    def _remove(self) -> None:
        """Removes the files of a split that has no rows any more."""
        self.rows = {}
        for path in (*(column.path for column in self.columns.values()), self.text):
            path.unlink(missing_ok=True)

    def _open(self) -> BinaryIO:
        for column in self.columns.values():
            column.begin()
        self._write_text()  # a torn block is gone, the next one begins a line
        return self.text.open("ab")

    def _write_text(self) -> None:
        rows = sorted(self.rows.items(), key=lambda item: item[1].number)
        atomic.write_text(self.text, "".join(f"key: {key}\n{row.text}\n" for key, row in rows))


class Column:
    """One array of all rows of a split, in a `.npy` file.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, spec: ArraySpec) -> None:
        """Takes the layout of a row; nothing need be there."""
        self.path, self._spec = path, spec
        self._size = int(np.prod(spec.shape)) * spec.dtype.itemsize  # bytes of a row
        self._start = len(_header(0, spec))
        self._file: BinaryIO | None = None  # while rows are written

    def bytes_of(self, row: int) -> np.ndarray:
        """Reads a row's bytes, fewer where the file ends before; raises OSError."""
        with self.path.open("rb") as file:
            file.seek(self._start + row * self._size)
            return np.frombuffer(file.read(self._size), np.uint8)

    def array_of(self, row: int) -> np.ndarray:
        """Reads a whole row; raises OSError."""
        return self.bytes_of(row).view(self._spec.dtype).reshape(self._spec.shape)

    def begin(self) -> BinaryIO:
        """Starts or resumes writing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        self._file = self.path.open("r+b")
        self._file.write(_header(0, self._spec))
        return self._file

    def write(self, row: int, array: np.ndarray) -> None:
        """Writes a row to an opened column."""
        file = self._file or self.begin()
        file.seek(self._start + row * self._size)
        file.write(np.ascontiguousarray(array).data)
        file.flush()

    def finish(self, order: Sequence[int]) -> None:
        """Makes the file durable and closes it.

        Args:
            order: Numbers of the rows that stay, in their new order.
        """
        file, rows = self._file or self.begin(), len(order)
        self._file = None
        in_place = [*order] == [*range(rows)]
        with file:
            if in_place:
                file.truncate(self._start + rows * self._size)
                file.seek(0)
                file.write(_header(rows, self._spec))
                file.flush()
                os.fsync(file.fileno())
        if not in_place:
            with atomic.replacing(self.path) as temporary, temporary.open("wb") as fresh:
                fresh.write(_header(rows, self._spec))
                for number in order:
                    fresh.write(self.bytes_of(number).data)

    def holds(self, rows: int) -> bool:
        """Tells whether the file is long enough for so many rows."""
        return self.path.stat().st_size >= self._start + rows * self._size

    @cached_property
    def mapped(self) -> np.ndarray:
        """All rows, `(N, ...)`."""
        return np.load(self.path, mmap_mode="r", allow_pickle=False)


def _header(rows: int, spec: ArraySpec) -> bytes:
    """Returns a `.npy` header; numpy leaves room in it, so its length is the same for any count."""
    buffer = io.BytesIO()
    described = {"descr": spec.dtype.str, "fortran_order": False, "shape": (rows, *spec.shape)}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def _read_rows(text: Path) -> dict[str, Row]:
    if not text.exists():
        return {}
    blocks = blocks_of(text.read_bytes().decode(errors="replace"))
    return {key: Row(number, rest) for number, (key, rest) in enumerate(blocks)}
