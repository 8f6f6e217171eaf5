"""What a predictor says of one image, person, window or frame: values, no model and no files.

A row gives its own columns of a table, so that the writers of tables need not know its kind.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.artifacts.names import shown

TOP = 3
FIRST_ONLY = "the file holds several pictures: the answer is about the first"
UNKNOWN = "unknown"  # the name of an answer that is too improbable
COLUMNS = ("image", "status", "activity", "probability", "top3", "n_people", "error")
PERSON_COLUMNS = ("person", "box")  # where each person is a row
VIDEO_COLUMNS = ("frame", "seconds")  # with a video
_MARKS = re.compile(r"[\\|:]")  # what a name in top3 has a backslash before
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_RANKED = re.compile(r"((?:[^\\|:]|\\.)*):(\d\.\d{4})(?:\||$)", re.DOTALL)
_BOX = ["float32"]


class Row(Protocol):
    """What a table and a summary ask of a row."""

    @property
    def image(self) -> Path:
        """The picture or video."""
        ...

    @property
    def frame(self) -> int | None:
        """Number of the frame in a video, from 0; None for a picture."""
        ...

    @property
    def status(self) -> str:
        """Whether there is an answer: "ok", "nobody" or "error"."""
        ...

    @property
    def error(self) -> str | None:
        """Why there is no answer; None when there is one."""
        ...

    @property
    def group(self) -> str:
        """What it is counted under."""
        ...

    def as_columns(self) -> dict[str, str]:
        """Returns the values of `Columns.text`, and perhaps of more, for a CSV file."""
        ...

    def as_record(self) -> dict[str, Any]:
        """Returns JSON values, with the same keys for every row."""
        ...


@dataclass(frozen=True)
class Columns:
    """The columns of a table, which the kind of model gives.

    Attributes:
        text: Names in a CSV file; none: these rows cannot be written as one.
        fields: Name -> type in a Parquet file: the name of one ("float32"), a list with the type
            of the items, or a dictionary of fields.
        whole_videos: Whether the rows of a video belong together, as those of a frame do else.
        skeleton: Of the people, where rows are about poses; then a COCO file can hold them.
    """

    text: tuple[str, ...]
    fields: Mapping[str, Any]
    whole_videos: bool = False
    skeleton: Skeleton | None = None


def people_type(joints: Sequence[str]) -> Any:
    """Returns the type of a record's `people`; see `people_of`."""
    keypoints = {name: ["float32"] for name in joints}
    return [{"box": _BOX, "score": "float32", "keypoints": keypoints}]


def columns_of_answers(
    classes: Sequence[str] = (),
    joints: Sequence[str] = (),
    more: Sequence[str] = (),
    *,
    whole_videos: bool = False,
) -> Columns:
    """Returns the columns of `Result`s.

    Args:
        classes: In the order of the probabilities.
        joints: That stage 1 finds; none: the people are not in a Parquet file.
        more: Columns of a CSV file after `COLUMNS`.
        whole_videos: See `Columns`.
    """
    fields: dict[str, Any] = {
        "image": "string",
        "frame": "int64",
        "seconds": "float64",
        "status": "string",
        "activity": "string",
        "probability": "float32",
        "probabilities": dict.fromkeys(classes, "float32"),
        "person": "int32",
        "box": _BOX,
        "error": "string",
        "note": "string",
    }
    if joints:
        fields["people"] = people_type(joints)
    return Columns((*COLUMNS, *more), fields, whole_videos)


@dataclass(frozen=True, eq=False)
class Result:
    """The answer for one picture, or for one person in it.

    Attributes:
        image: The picture or video.
        error: Why there is no answer; None if there is one.
        probabilities: `(classes,)` float32 that sum to 1; None without an answer.
        poses: Who was found in the picture; None on error, or where no plane needs poses.
        ranking: The `TOP` most probable (activity, probability), falling; empty without an answer.
        person: Whom the answer is about, an index into `poses`; None: the whole picture.
        box: `(4,)` float32 xyxy pixels, that person's box; None for the whole picture.
        frame: Number of the frame in a video, from 0; None for a picture.
        seconds: From the video's beginning; None for a picture.
        last_frame: Number of the last frame that the answer is about; None: of `frame` alone.
        unknown_below: Answers of a smaller probability are called `UNKNOWN`; 0: none is; infinite:
            each is, for another reason than its probability, which `note` says.
        note: A remark on how the answer was made, or None.
        classes: Names in the order of `probabilities`.
    """

    image: Path
    error: str | None = None
    probabilities: np.ndarray | None = None
    poses: Poses | None = None
    ranking: tuple[tuple[str, float], ...] = ()
    person: int | None = None
    box: np.ndarray | None = None
    frame: int | None = None
    seconds: float | None = None
    last_frame: int | None = None
    unknown_below: float = 0.0
    note: str | None = None
    classes: tuple[str, ...] = field(default=(), repr=False)

    @property
    def activity(self) -> str | None:
        """What to call it: the most probable activity, or `UNKNOWN`; None without an answer.

        `ranking` says in both cases what it would be.
        """
        if not self.ranking:
            return None
        name, probability = self.ranking[0]
        return UNKNOWN if probability < self.unknown_below else name

    @property
    def status(self) -> Literal["ok", "nobody", "error"]:
        """Whether there is an answer; "nobody": each person was to be named, and there is none."""
        if self.error is not None:
            return "error"
        return "ok" if self.ranking else "nobody"

    @property
    def group(self) -> str:
        """What it is counted under: the activity, else the status."""
        return self.activity or self.status

    def as_columns(self) -> dict[str, str]:
        r"""Returns its values for a CSV file.

        top3 is `name:p|name:p|name:p`, which `read_top3` reads; a `:`, `|` or `\` in a name has a
        backslash before it. box is `x1 y1 x2 y2` in pixels; what there is not is empty.
        """
        probability = self.ranking[0][1] if self.ranking else None
        return {
            "image": shown(self.image),
            "status": self.status,
            "activity": shown(self.activity or ""),
            "probability": "" if probability is None else f"{probability:.4f}",
            "top3": "|".join(f"{_escaped(name)}:{p:.4f}" for name, p in self.ranking),
            "n_people": "" if self.poses is None else str(len(self.poses.boxes)),
            "error": shown(self.error or ""),
            "person": "" if self.person is None else str(self.person),
            "box": "" if self.box is None else " ".join(f"{value:.1f}" for value in self.box),
            "frame": "" if self.frame is None else str(self.frame),
            "seconds": "" if self.seconds is None else f"{self.seconds:.3f}",
            "note": shown(self.note or ""),
        }

    def as_record(self) -> dict[str, Any]:
        """Returns JSON values, with the same keys for every row.

        Numbers that were float32 have just enough digits to be exact.
        `people` is who was found in the whole frame; see `people_of`.
        """
        shares = None if self.probabilities is None else shortest(self.probabilities)
        return {
            "image": shown(self.image),
            "frame": self.frame,
            "seconds": None if self.seconds is None else round(self.seconds, 6),
            "status": self.status,
            "activity": self.activity,
            "probability": None if shares is None else max(shares),
            "probabilities": shares and dict(zip(self.classes, shares, strict=True)),
            "person": self.person,
            "box": None if self.box is None else shortest(self.box),
            "people": None if self.poses is None else people_of(self.poses),
            "error": self.error,
            "note": self.note,
        }


class Answer(Protocol):
    """Rows that belong together: about one frame, or about one video."""

    @property
    def source(self) -> Path:
        """What they are about."""
        ...

    @property
    def rows(self) -> Sequence[Any]:
        """At least one."""
        ...

    @property
    def made(self) -> Any:
        """What the drawings' `paint` made of it; None if it was not called."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What else a person should know."""
        ...


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What a predictor says about one frame.

    Attributes:
        frame: The frame.
        rows: One, or one per person in the order of `Poses`.
        pixels: `(H, W, 3)` uint8 RGB; None where the frame could not be read, and once it was
            handed on.
        made: What `then` made of it.
        notes: What else a person should know.
    """

    frame: Frame
    rows: list[Any]
    pixels: np.ndarray | None = None
    made: Any = None
    notes: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        """The picture or video."""
        return self.frame.source


def people_of(poses: Poses) -> list[dict[str, Any]]:
    """Returns people as JSON values: box, score, and `[x, y, confidence]` by the joint's name.

    x and y, and the xyxy box, are in pixels.
    """
    return [
        {
            "box": shortest(box),
            "score": shortest(score),
            "keypoints": dict(zip(poses.skeleton.joints, shortest(joints), strict=True)),
        }
        for box, score, joints in zip(poses.boxes, poses.scores, poses.keypoints, strict=True)
    ]


def shortest(values: np.ndarray) -> Any:
    """Returns float32 numbers as nested lists of the shortest floats that round to them."""
    return np.asarray(values, np.float32).astype(str).astype(np.float64).tolist()


def read_top3(text: str) -> list[tuple[str, float]]:
    """Returns (activity, probability) of the cell that `Result.as_columns` wrote.

    Raises:
        ValueError: it is another text.
    """
    found = [*_RANKED.finditer(text)]
    if "".join(ranked[0] for ranked in found) != text or text.endswith("|"):
        raise ValueError(f"top3 must be name:p|name:p|name:p. Received: {text!r}")
    return [(_ESCAPED.sub(r"\1", ranked[1]), float(ranked[2])) for ranked in found]


def _escaped(name: str) -> str:
    return _MARKS.sub(r"\\\g<0>", shown(name))


def check_unknown(unknown_below: float | None) -> None:
    """Raises ValueError for what is not a probability; None is allowed."""
    if unknown_below is not None and not 0 <= unknown_below <= 1:
        raise ValueError(f"unknown_below must lie in [0, 1]. Received: {unknown_below}")


def rank(probabilities: np.ndarray, classes: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Returns the `TOP` most probable (activity, probability), falling; ties by class order."""
    best = np.argsort(-probabilities, kind="stable")[:TOP]
    return tuple((classes[i], float(probabilities[i])) for i in best)
