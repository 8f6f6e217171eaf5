"""A row as text: a line of CSV or of JSON, and back to what identifies a row.

A row gives its own values (`results.Row`). Knows nothing of files. Both are UTF-8: of a file name
that is not, the bytes are spelled out, see `artifacts.names`.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pose_activity.artifacts import csv_text
from pose_activity.artifacts.names import in_json, shown
from pose_activity.inference.results import Row


@dataclass(frozen=True)
class Key:
    """What identifies the rows of a frame, and their status.

    Attributes:
        image: As it is in the file.
        frame: Number of the frame in a video, or None.
        status: See `Result.status`.
    """

    image: str
    frame: int | None
    status: str


class Lines(Protocol):
    """A text format with one row per line."""

    def header(self) -> str:
        """Returns the first line, or nothing."""
        ...

    def encode(self, row: Row) -> str:
        """Returns a row's line, with its line break."""
        ...

    def name(self, image: Path | str) -> str:
        """Returns an image's path as it is in `Key.image`."""
        ...

    def decode(self, lines: Iterator[str]) -> Iterator[Key]:
        """Yields the key of each row; takes no more lines than it has answered for.

        Raises:
            ValueError: these are not lines of this format, with these columns.
        """
        ...


class CsvLines:
    """Columns for a person; what there is not is empty."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns

    def header(self) -> str:
        """Returns the line of column names."""
        return _csv_line(list(self.columns))

    def encode(self, row: Row) -> str:
        """Returns a row's line."""
        values = row.as_columns()
        return _csv_line([values[column] for column in self.columns])

    def name(self, image: Path | str) -> str:
        """Returns the path in UTF-8."""
        return shown(image)

    def decode(self, lines: Iterator[str]) -> Iterator[Key]:
        """Yields keys; see `Lines`."""
        reader = csv_text.read(lines)
        try:
            names = next(reader, [])
            if tuple(names) != self.columns:
                raise ValueError(f"its columns are {names}, and not {list(self.columns)}")
            for values in reader:
                row = dict(zip(names, values, strict=True))
                frame = row.get("frame")
                yield Key(row["image"], int(frame) if frame else None, row["status"])
        except csv.Error as error:
            raise ValueError(str(error)) from None


class JsonLines:
    """One object per line, with everything that a row has."""

    def header(self) -> str:
        """Returns nothing."""
        return ""

    def encode(self, row: Row) -> str:
        """Returns a row's line."""
        return in_json(json.dumps(row.as_record(), ensure_ascii=False, allow_nan=False)) + "\n"

    def name(self, image: Path | str) -> str:
        """Returns the path in UTF-8."""
        return shown(image)

    def decode(self, lines: Iterator[str]) -> Iterator[Key]:
        """Yields keys; see `Lines`."""
        for line in lines:
            try:
                record = json.loads(line)
                yield Key(record["image"], record["frame"], record["status"])
            except (KeyError, TypeError) as error:
                raise ValueError(f"a line is not a row: {line[:60]!r} ({error!r})") from None


def _csv_line(values: list[str]) -> str:
    return csv_text.as_text([values])
