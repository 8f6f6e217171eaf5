"""Rows with known values, as a test needs them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.inference.results import Result, rank

CLASSES = ("walk", "run", "sit, or lie")
BOXES = np.array([[4, 5, 20, 45], [40, 10, 60, 44.25], [64, 8, 76, 40]], np.float32)


def poses_of(image: Path, people: int, size: tuple[int, int] = (80, 50)) -> Poses:
    """Returns people at `BOXES`, their joints on a diagonal of each box."""
    keypoints = np.zeros((people, len(COCO17), 3), np.float32)
    for person, (x1, y1, x2, y2) in zip(keypoints, BOXES[:people], strict=True):
        steps = np.linspace(0, 1, len(COCO17), dtype=np.float32)
        person[:] = np.stack([x1 + steps * (x2 - x1), y1 + steps * (y2 - y1), 1 - steps / 3], 1)
    scores = np.linspace(0.9, 0.5, people, dtype=np.float32)
    return Poses(image, size, COCO17, BOXES[:people], scores, keypoints)


def answered(
    image: str | Path,
    shares: Sequence[float] = (0.7, 0.2, 0.1),
    *,
    people: int | None = 1,
    person: int | None = None,
    frame: int | None = None,
    unknown_below: float = 0.0,
) -> Result:
    """Returns an answer, with frames of 1/25 second."""
    probabilities = np.array(shares, np.float32)
    return Result(
        image=Path(image),
        probabilities=probabilities,
        poses=None if people is None else poses_of(Path(image), people),
        ranking=rank(probabilities, CLASSES),
        person=person,
        box=None if person is None else BOXES[person],
        frame=frame,
        seconds=None if frame is None else frame / 25,
        unknown_below=unknown_below,
        classes=CLASSES,
    )


def nobody(image: str | Path) -> Result:
    """Returns the row of a picture without people, where each is to be named."""
    return Result(Path(image), poses=poses_of(Path(image), 0))


def failed(image: str | Path, why: str, frame: int | None = None) -> Result:
    """Returns the row of a picture that cannot be read."""
    return Result(Path(image), f"{image}: {why}", frame=frame)
