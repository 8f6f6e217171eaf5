"""Rows into a table that survives a crash: CSV, JSON lines, Parquet or COCO, by the name's ending.

Rows go line by line into `NAME.partial`, and each is on its way to the disk when `write` returns;
`NAME` itself appears, whole, at the end. Beside it is `NAME.manifest.json`: how it was made, and
how many rows of which status it holds. While there is a `.partial`, its own manifest says how that
is being made. One process at a time writes a table, under the lock in `.NAME.writing`.
"""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from pose_activity.artifacts import atomic, renamed
from pose_activity.artifacts.lock import locked
from pose_activity.artifacts.manifest import StaleError, differences
from pose_activity.artifacts.names import in_json
from pose_activity.inference import coco, parquet
from pose_activity.inference.records import CsvLines, JsonLines, Key, Lines
from pose_activity.inference.results import Columns, Row, columns_of_answers

SUFFIXES = (".csv", ".jsonl", ".parquet")
IMAGES = columns_of_answers()
_CONTAINERS = {".parquet": parquet, ".json": coco}  # what JSON lines become in the end
_CODEC = ("utf-8", "backslashreplace")  # older tables hold names' own bytes; see `records`


class TableExistsError(FileExistsError):
    """There are rows already; keep them, replace them, or write elsewhere."""


def open_table(
    path: Path,
    columns: Columns = IMAGES,
    *,
    manifest: Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> "Table":
    """Opens the table that `path` names, for writing.

    Args:
        path: Ends in .csv, .jsonl or .parquet.
        columns: Of the rows; the default is that of whole images.
        manifest: How it is made (`provenance.describe`); None writes no manifest.
        resume: Keep the rows that are there, or in the `.partial` that a killed run left.
        overwrite: Replace a table that exists, or such a `.partial`.

    Raises:
        ValueError: another ending; with `resume`, a file that is not such a table.
        StaleError: with `resume`, rows of another model, engine, precision or option.
        TableExistsError: neither `resume` nor `overwrite`, and a table is there or a `.partial`
            with rows that a killed run left.
        BlockingIOError: another process is writing this table.
        OSError: the place cannot be written to.
        ModuleNotFoundError: Parquet without pyarrow.
    """
    check_name(path, (*SUFFIXES, ".json") if columns.skeleton else SUFFIXES)
    csv = path.suffix.lower() == ".csv"
    return Table(
        path,
        CsvLines(columns.text) if csv else JsonLines(),
        columns,
        manifest=manifest,
        resume=resume,
        overwrite=overwrite,
    )


def check_free(path: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuses a table that exists, unless it is to be kept or replaced.

    Raises:
        TableExistsError: neither `resume` nor `overwrite`.
    """
    if path.exists() and not (resume or overwrite):
        raise TableExistsError(
            f"{path} is there already, and is not written over unasked. Resume it, overwrite it, "
            "or name another table"
        )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Keeps other processes from writing a table while the body runs."""
    folder = path.with_name(f".{path.name}.writing")
    try:
        with locked(folder):
            try:
                yield
            finally:
                with suppress(OSError):  # Windows removes no open file
                    shutil.rmtree(folder)
    except BlockingIOError:
        raise BlockingIOError(
            f"{path} is being written by another process. Wait for it, or name another table"
        ) from None


def check_name(path: Path, suffixes: Sequence[str] = SUFFIXES) -> None:
    """Refuses a name that no table can have, or not one of this kind of rows.

    Raises:
        ValueError: it ends in none of `suffixes`.
        IsADirectoryError: it is a folder.
        ModuleNotFoundError: Parquet without pyarrow.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Name a file, like {path / 'a.csv'}")
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"An output's name ends in one of {suffixes}. Received: {path}")
    if path.suffix.lower() == ".parquet":
        parquet.import_pyarrow()


def beside(path: Path, ending: str) -> Path:
    """Returns the file beside an output, such as `a.csv.partial` for ".partial"."""
    return path.with_name(path.name + ending)


class Table:
    """An open table, made by `open_table`.

    Attributes:
        stopped: Set it if the input was cut short; the manifest records it.
        counts: Rows by status, those of earlier runs too.
        kept: How many were there before.
    """

    def __init__(
        self,
        path: Path,
        lines: Lines,
        columns: Columns,
        *,
        manifest: Mapping[str, Any] | None,
        resume: bool,
        overwrite: bool,
    ) -> None:
        self.stopped = False
        self.counts: Counter[str] = Counter()
        self._path, self._partial = path, beside(path, ".partial")
        self._lines, self._columns = lines, columns
        self._manifest = None if manifest is None else dict(manifest)
        self._done: set[tuple[str, int | None]] = set()
        self._started, self._seconds = time.monotonic(), 0.0
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(_writing(path))
            check_free(path, resume=resume, overwrite=overwrite)
            if resume and (path.exists() or self._partial.exists()):
                self._resume()
            else:
                if not overwrite:
                    self._refuse_to_lose()
                self._partial.write_text(lines.header(), encoding="utf-8", newline="")
            self.kept = self.counts.total()
            if self._manifest is not None:
                self._write_manifest(self._partial, finished=False)
            self._file = stack.enter_context(self._partial.open("ab"))
            self._opened = stack.pop_all()

    def has(self, image: Path | str, frame: int | None) -> bool:
        """Tells whether an earlier run wrote the rows of a picture or of a video's frame.

        Where the rows of a video belong together, `frame` does not matter.
        """
        return (
            self._lines.name(image),
            None if self._columns.whole_videos else frame,
        ) in self._done

    def write(self, row: Row) -> None:
        """Appends a row, unless an earlier run did."""
        if not self.has(row.image, row.frame):
            self._file.write(self._lines.encode(row).encode())
            self._file.flush()
            self.counts[row.status] += 1

    def append(self, part: Path) -> None:
        """Appends all rows of a whole table of text with these columns, byte for byte.

        Raises:
            ValueError: it is another table, or is damaged.
        """
        try:
            _, counts, _ = read_back(part, self._lines, torn=False)
        except ValueError as error:
            raise ValueError(f"{part} cannot be appended: {error}. Make it again") from None
        with part.open("rb") as file:
            file.seek(len(self._lines.header().encode()))
            shutil.copyfileobj(file, self._file)
        self._file.flush()
        self.counts.update(counts)

    def __enter__(self) -> "Table":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Makes the table appear; after an error the rows so far stay in the `.partial`."""
        with self._opened:
            self._file.close()
            if error is None:
                self._finish()
            elif not self.counts:
                for path in (self._partial, beside(self._partial, ".manifest.json")):
                    path.unlink(missing_ok=True)

    def _finish(self) -> None:
        described = beside(self._path, ".manifest.json")
        described.unlink(missing_ok=True)  # a table is better without one than with a wrong one
        if container := _CONTAINERS.get(self._path.suffix.lower()):
            with atomic.replacing(self._path) as temporary:
                container.from_json_lines(self._partial, temporary, self._columns)
            self._partial.unlink()
        else:
            self._partial.replace(self._path)
        if self._manifest is not None:
            self._write_manifest(self._path, finished=not self.stopped)
            beside(self._partial, ".manifest.json").unlink()

    def _write_manifest(self, path: Path, *, finished: bool) -> None:
        seconds = self._seconds + time.monotonic() - self._started
        outcome = {
            "output": self._path.name,
            "finished": finished,
            "rows": self.counts.total(),
            "counts": dict(sorted(self.counts.items())),
            "seconds": round(seconds, 3),
        }
        atomic.write_json(beside(path, ".manifest.json"), {**outcome, **(self._manifest or {})})

    def _resume(self) -> None:
        """Moves the earlier rows into the `.partial`, up to the last frame that is surely whole."""
        killed = self._partial.exists()
        found = self._partial if killed else self._path
        self._check_maker(found)
        try:
            if not killed:
                self._restore()
            self._done, self.counts, end = read_back(
                self._partial, self._lines, torn=killed, whole_videos=self._columns.whole_videos
            )
        except ValueError as error:
            if not killed:
                self._partial.unlink(missing_ok=True)
            raise ValueError(
                f"{found} cannot be resumed: {error}. Name another table, or overwrite it"
            ) from None
        if self._partial.stat().st_size < end:  # not even the header is whole
            self._partial.write_text(self._lines.header(), encoding="utf-8", newline="")
        os.truncate(self._partial, end)

    def _refuse_to_lose(self) -> None:
        """Refuses to replace what a killed run has done, perhaps in hours."""
        header = len(self._lines.header().encode())
        if self._partial.exists() and self._partial.stat().st_size > header:
            raise TableExistsError(
                f"{self._partial} holds the rows of a run that was killed. Resume it, overwrite "
                "it, or name another table"
            )

    def _check_maker(self, found: Path) -> None:
        if self._manifest is None:
            return
        # A run that is killed just after its table appeared leaves the partial one's manifest.
        places = [beside(path, ".manifest.json") for path in (self._partial, self._path)]
        described = next((path for path in places if path.exists()), None)
        if described is None:
            raise StaleError(
                f"{found} has no manifest, so the model that made it is unknown. "
                "Name another table, or overwrite it"
            )
        before = json.loads(described.read_text(encoding="utf-8"))
        now = json.loads(in_json(json.dumps(self._manifest["made_by"], ensure_ascii=False)))
        if changes := differences(renamed.translate(before["made_by"]), now):
            raise StaleError(
                f"{found} was made in another way ({'; '.join(changes)}). "
                "Name another table, or overwrite it"
            )
        self._seconds = before["seconds"]

    def _restore(self) -> None:
        """Makes the `.partial` from a table that has appeared."""
        with atomic.replacing(self._partial) as temporary:
            container = _CONTAINERS.get(self._path.suffix.lower())
            if container is None:
                shutil.copyfile(self._path, temporary)
                return
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(container.to_json_lines(self._path))


def read_back(
    path: Path, lines: Lines, *, torn: bool, whole_videos: bool = False
) -> tuple[set[tuple[str, int | None]], Counter[str], int]:
    """Reads which frames a table holds.

    Args:
        path: Lines of text.
        lines: Their format.
        torn: Whether the writer was killed. Then the last frame may lack a part of its line, or
            some of its people, and does not count.
        whole_videos: Whether that is so of a whole video; it counts as one frame without number.

    Returns:
        (image, number of the frame) of each frame, its rows by status, and where they end, in
        bytes.

    Raises:
        ValueError: these are other lines, or they are damaged before their end.
    """
    done: set[tuple[str, int | None]] = set()
    counts: Counter[str] = Counter()
    frame: tuple[str, int | None] | None = None
    end = position = len(lines.header().encode())
    statuses: list[str] = []
    with path.open("rb") as file:
        for key in _keys(file, lines, torn):
            found = key.image, None if whole_videos else key.frame
            if found != frame:
                if frame is not None:
                    done.add(frame)
                    counts.update(statuses)
                frame, statuses, end = found, [], position
            statuses.append(key.status)
            position = file.tell()
    if frame is not None and not torn:
        done.add(frame)
        counts.update(statuses)
        end = position
    return done, counts, end


def _keys(file: BinaryIO, lines: Lines, torn: bool) -> Iterator[Key]:
    """Yields keys; after each one `file` is at the end of its line."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    texts = (line.decode(*_CODEC) for line in iter(file.readline, b"") if line.endswith(b"\n"))
    try:
        yield from lines.decode(texts)
    except ValueError:
        if not (torn and file.tell() == size):
            raise
