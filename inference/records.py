"""A `Result` as text: a line of CSV or of JSON, and back to what tells two rows apart.

Knows nothing of files. Both are UTF-8: of a file name that is not, the bytes are spelled out, see
`artifacts.names`.
"""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pose_activity.artifacts import csv_text
from pose_activity.artifacts.names import in_json, shown
from pose_activity.inference.results import Result

COLUMNS = ("image", "status", "activity", "probability", "top3", "n_people", "error")
PERSON_COLUMNS = ("person", "box")  # where each person is a row
VIDEO_COLUMNS = ("frame", "seconds")  # where there is a video
MOTION_COLUMNS = ("note",)  # where people are named by how they move
_MARKS = re.compile(r"[\\|:]")  # what a name in top3 has a backslash before
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_RANKED = re.compile(r"((?:[^\\|:]|\\.)*):(\d\.\d{4})(?:\||$)", re.DOTALL)


@dataclass(frozen=True)
class Key:
    """What tells the rows of one frame from those of another, and how they went.

    Attributes:
        image: As it stands in the file.
        frame: Number of the frame in a video, or None.
        status: See `Result.status`.
    """

    image: str
    frame: int | None
    status: str


class Lines(Protocol):
    """A text format with a row a line."""

    def header(self) -> str:
        """Returns the first line, or nothing."""
        ...

    def encode(self, row: Result) -> str:
        """Returns a row's line, with its line break."""
        ...

    def name(self, image: Path) -> str:
        """Returns an image's path as it stands in `Key.image`."""
        ...

    def decode(self, lines: Iterator[str]) -> Iterator[Key]:
        """Yields the key of each row; takes no more lines than it has answered for.

        Raises:
            ValueError: these are not lines of this format, with these columns.
        """
        ...


class CsvLines:
    """Columns for a person; what there is not is empty."""

    def __init__(
        self, *, by_person: bool = False, of_video: bool = False, of_motion: bool = False
    ) -> None:
        self.columns = (
            *COLUMNS,
            *(PERSON_COLUMNS if by_person else ()),
            *(VIDEO_COLUMNS if of_video else ()),
            *(MOTION_COLUMNS if of_motion else ()),
        )

    def header(self) -> str:
        """Returns the line of column names."""
        return _csv_line(list(self.columns))

    def encode(self, row: Result) -> str:
        """Returns a row's line."""
        values = as_columns(row)
        return _csv_line([values[column] for column in self.columns])

    def name(self, image: Path) -> str:
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
    """An object a line, with all probabilities and joints."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self._classes = classes

    def header(self) -> str:
        """Returns nothing."""
        return ""

    def encode(self, row: Result) -> str:
        """Returns a row's line."""
        record = as_record(row, self._classes)
        return in_json(json.dumps(record, ensure_ascii=False, allow_nan=False)) + "\n"

    def name(self, image: Path) -> str:
        """Returns the path in UTF-8."""
        return shown(image)

    def decode(self, lines: Iterator[str]) -> Iterator[Key]:
        """Yields keys; see `Lines`."""
        for line in lines:
            try:
                record = json.loads(line)
                yield Key(record["image"], record["frame"], record["status"])
            except (KeyError, TypeError) as error:
                raise ValueError(f"a line is no row: {line[:60]!r} ({error!r})") from None


def as_columns(row: Result) -> dict[str, str]:
    r"""Returns a row's values for a CSV file.

    top3 is `name:p|name:p|name:p`, which `read_top3` reads; a `:`, `|` or `\` in a name has a
    backslash before it. box is `x1 y1 x2 y2` in pixels; what there is not is empty.
    """
    probability = row.ranking[0][1] if row.ranking else None
    return {
        "image": shown(row.image),
        "status": row.status,
        "activity": shown(row.activity or ""),
        "probability": "" if probability is None else f"{probability:.4f}",
        "top3": "|".join(f"{_escaped(name)}:{p:.4f}" for name, p in row.ranking),
        "n_people": "" if row.poses is None else str(len(row.poses.boxes)),
        "error": shown(row.error or ""),
        "person": "" if row.person is None else str(row.person),
        "box": "" if row.box is None else " ".join(f"{value:.1f}" for value in row.box),
        "frame": "" if row.frame is None else str(row.frame),
        "seconds": "" if row.seconds is None else f"{row.seconds:.3f}",
        "note": shown(row.note or ""),
    }


def read_top3(text: str) -> list[tuple[str, float]]:
    """Returns (activity, probability) of the cell that `as_columns` wrote.

    Raises:
        ValueError: it is another text.
    """
    found = [*_RANKED.finditer(text)]
    if "".join(ranked[0] for ranked in found) != text or text.endswith("|"):
        raise ValueError(f"top3 must be name:p|name:p|name:p. Received: {text!r}")
    return [(_ESCAPED.sub(r"\1", ranked[1]), float(ranked[2])) for ranked in found]


def _escaped(name: str) -> str:
    return _MARKS.sub(r"\\\g<0>", shown(name))


def as_record(row: Result, classes: tuple[str, ...]) -> dict[str, Any]:
    """Returns a row as JSON values, with the same keys for every row.

    Numbers that were float32 have just as many digits as tell them from their neighbours. `people`
    is who was found in the whole frame: box, score, and `[x, y, confidence]` by the joint's name,
    in pixels.
    """
    probabilities = None
    if row.probabilities is not None:
        probabilities = dict(zip(classes, _shortest(row.probabilities), strict=True))
    return {
        "image": shown(row.image),
        "frame": row.frame,
        "seconds": None if row.seconds is None else round(row.seconds, 6),
        "status": row.status,
        "activity": row.activity,
        "probability": None if row.probabilities is None else max(_shortest(row.probabilities)),
        "probabilities": probabilities,
        "person": row.person,
        "box": None if row.box is None else _shortest(row.box),
        "people": _people(row),
        "error": row.error,
        "note": row.note,
    }


def _people(row: Result) -> list[dict[str, Any]] | None:
    if row.poses is None:
        return None
    poses = row.poses
    return [
        {
            "box": _shortest(box),
            "score": _shortest(score),
            "keypoints": dict(zip(poses.skeleton.joints, _shortest(joints), strict=True)),
        }
        for box, score, joints in zip(poses.boxes, poses.scores, poses.keypoints, strict=True)
    ]


def _shortest(values: np.ndarray) -> Any:
    """Returns float32 numbers as nested lists of the shortest floats that round to them."""
    return np.asarray(values, np.float32).astype(str).astype(np.float64).tolist()


def _csv_line(values: list[str]) -> str:
    return csv_text.as_text([values])
