"""What a predictor says of one image, person, window or frame: values, no model and no files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame

TOP = 3
FIRST_ONLY = "the file holds several pictures: the answer is about the first"
UNKNOWN = "unknown"  # what an answer is called that is too improbable


@dataclass(frozen=True, eq=False)
class Result:
    """The answer for one picture, or for one person in it.

    Attributes:
        image: The picture or video.
        error: Why there is no answer; None when there is one.
        probabilities: `(classes,)` float32 that sum to 1; None without an answer.
        poses: Who was found in the picture; None on error, or where no plane needs poses.
        ranking: The `TOP` most probable (activity, probability), falling; empty without an answer.
        person: Whom the answer is about, an index into `poses`; None: the whole picture.
        box: `(4,)` float32 xyxy pixels, that person's box; None for the whole picture.
        frame: Number of the frame in a video, from 0; None for a picture.
        seconds: From the video's beginning; None for a picture.
        unknown_below: Answers of a smaller probability are called `UNKNOWN`; 0: none is; infinite:
            each is, for another reason than its probability, which `note` says.
        note: What else there is to say of how the answer came about, or None.
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
    unknown_below: float = 0.0
    note: str | None = None

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


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What the pipeline says about one frame.

    Attributes:
        frame: The frame.
        rows: One, or for people "each" one per person in the order of `Poses`.
        pixels: `(H, W, 3)` uint8 RGB; None where the frame could not be read, and once it was
            handed on.
        made: What `then` made of it.
    """

    frame: Frame
    rows: list[Result]
    pixels: np.ndarray | None = None
    made: Any = None


def check_unknown(unknown_below: float | None) -> None:
    """Raises ValueError for what is no probability; None is fine."""
    if unknown_below is not None and not 0 <= unknown_below <= 1:
        raise ValueError(f"unknown_below must lie in [0, 1]. Received: {unknown_below}")


def rank(probabilities: np.ndarray, classes: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Returns the `TOP` most probable (activity, probability), falling; ties by class order."""
    best = np.argsort(-probabilities, kind="stable")[:TOP]
    return tuple((classes[i], float(probabilities[i])) for i in best)
