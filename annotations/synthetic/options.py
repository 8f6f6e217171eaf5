"""What can be asked of a drawn data set, as frozen values that are sections of a configuration too.

Imports nothing heavy, so that a mistake in a configuration is reported at once.
"""

from dataclasses import dataclass
from typing import Annotated

from pose_activity.artifacts.ranges import Above0, Checked, OutOfRange, Positive, Range

Side = Annotated[int, Range(64)]  # pixels


@dataclass(frozen=True, kw_only=True)
class DrawnPictures(Checked):
    """Pictures of people, labelled as MPII's are; see `pictures.write`.

    Attributes:
        images: How many; with faults at least the sum of `pictures.FAULTS`.
        width: Of a picture in pixels.
        height: Of a picture in pixels.
        faults: Whether to inject the faults of `pictures.FAULTS`.
        walking: Everybody walks, seen from the side, with a gait of their own: for training stage
            1. Otherwise the pictures show the `body.ACTIVITIES` in turn.
    """

    images: Positive
    width: Side = 320
    height: Side = 240
    faults: bool = True
    walking: bool = False


@dataclass(frozen=True, kw_only=True)
class DrawnWalkers(Checked):
    """Videos of people who walk, each in their own manner; see `walkers.write`.

    Attributes:
        people: How many; they are called person01, person02, ...
        clips: How many of each.
        frames: Of a clip.
        size: (width, height) of a video in pixels: even numbers, each at least 64.
        fps: Frames per second.
    """

    people: Positive = 8
    clips: Positive = 16
    frames: Positive = 60
    size: tuple[int, int] = (160, 160)
    fps: Above0 = 25.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.size) < 64 or any(side % 2 for side in self.size):
            rule = f"must be two even numbers of at least 64. Received: {self.size!r}"
            raise OutOfRange({"size": rule})


@dataclass(frozen=True, kw_only=True)
class DrawnParts(Checked):
    """People with a mask of their body parts; see `parts.write`.

    Attributes:
        images: How many pictures.
        width: Of a picture in pixels.
        height: Of a picture in pixels.
    """

    images: Positive
    width: Side = 320
    height: Side = 256
