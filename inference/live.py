"""What a camera is answered with: a frame, or the poses found in one, in; rows out; no socket.

A kind's `live.py` has a `Live` that sees one frame after another. It remembers a few seconds and
no more, however long it watches. It is not for two threads at once: each camera has its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pose_activity.annotations.types import Poses
from pose_activity.inference.results import Result

SOURCE = Path("camera")  # what rows are about


class CannotBeLive(ValueError):
    """A model that needs the whole video, or a frame that it cannot use."""


@dataclass(frozen=True, eq=False)
class LiveAnswer:
    """What is said of one frame.

    Attributes:
        rows: One, or one per person.
        poses: Who was found in the frame; None where the model uses no poses.
        fresh: Whether the rows were judged anew: a model of motion answers a few times a second,
            and repeats its last rows, with the boxes of this frame, in between.
    """

    rows: list[Result]
    poses: Poses | None
    fresh: bool = True


class LiveSession(Protocol):
    """A kind's `Live`; made of its predictor, raises `CannotBeLive` for one that cannot be."""

    def __init__(self, predictor: Any) -> None: ...

    def see(self, seen: np.ndarray | Poses, seconds: float) -> LiveAnswer:
        """Answers one frame.

        Args:
            seen: `(H, W, 3)` uint8 RGB pixels, or who was found in them.
            seconds: When it was taken; must not fall.

        Raises:
            CannotBeLive: poses, and the model needs pixels; or poses of other joints.
        """
        ...
