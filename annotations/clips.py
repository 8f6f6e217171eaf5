"""The value that travels where people move: `Clip`, the sequence twin of `Sample`.

A clip follows one person through consecutive frames of a video. *Keypoints* are float32
`(T, K, 3)`, one row per frame: x, y in pixels of the upright frame and v in [0, 1], as in
`annotations.types`. v = 0 means missing, and then x = y = 0. A frame in which the person was not
found is a row of zeros; it is never dropped, so that time stays true. Nothing is read here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import check_keypoints
from pose_activity.artifacts.names import shown


@dataclass(frozen=True, eq=False)
class Clip:
    """What a data set says about one person in one piece of video.

    Attributes:
        name: Unique in a data set, for people to read; may hold "/": "person01/walk.mp4".
        source: The video, or the file or folder that holds the poses.
        span: Frames [first, stop) of the video that it is, counted from 0; None: all of it.
        label: The person or the activity; None if unknown.
        group: Clips of one group (scene, person) are never on both sides of a split; or None.
        split: "train", "val", "test" or None.
        skeleton: Names the K joints; None without keypoints.
        keypoints: `(T, K, 3)` float32, see the module's header; T may be 0. None: stage 1 still
            has to find the poses in the video.
        times: `(T,)` float64, when each row was taken: seconds from the beginning of `source`,
            strictly rising (the steps may differ); None without keypoints.
    """

    name: str
    source: Path
    span: tuple[int, int] | None = None
    label: str | None = None
    group: str | None = None
    split: str | None = None
    skeleton: Skeleton | None = None
    keypoints: np.ndarray | None = None
    times: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.name.strip() or shown(self.name) != self.name:
            raise ValueError(
                f"{ascii(str(self.source))}: a clip must have a name, in valid Unicode. "
                f"Received: {self.name!a}. Rename it."
            )
        if self.span is not None and not 0 <= self.span[0] < self.span[1]:
            raise ValueError(
                f"{self.name}: span must be frames [first, stop) with 0 <= first < stop. "
                f"Received: {self.span}"
            )
        if self.skeleton is not None and self.keypoints is not None and self.times is not None:
            check_keypoints(self.name, self.keypoints, (len(self.keypoints), len(self.skeleton), 3))
            _check_times(self.name, self.times, len(self.keypoints))
        elif any(value is not None for value in (self.skeleton, self.keypoints, self.times)):
            raise ValueError(
                f"{self.name}: skeleton, keypoints and times must be given together, or none of "
                "them."
            )

    @property
    def valid(self) -> np.ndarray:
        """`(T,)` bool: frames in which at least one joint was found.

        Raises:
            ValueError: there are no keypoints yet.
        """
        if self.keypoints is None:
            raise ValueError(
                f"{self.name}: has no keypoints yet. Find its poses with stage 1 first."
            )
        return np.any(self.keypoints[..., 2] > 0, axis=1)


def check_names_once(where: Path, clips: Iterable[Clip]) -> None:
    """Refuses a data set in which two clips have one name.

    Args:
        where: The file or folder that they come from, for the message.
        clips: All of them.

    Raises:
        ValueError: a name comes twice.
    """
    counts = Counter(clip.name for clip in clips)
    twice = [f"{name!r} ({count} times)" for name, count in counts.items() if count > 1]
    if twice:
        raise ValueError(
            f"{where}: each clip must have a name of its own. Received: {preview(twice)}. "
            "Rename them."
        )


def with_utf8_names(paths: Iterable[Path], on_note: Callable[[str], None] | None) -> Iterator[Path]:
    """Yields the files whose names a clip can have; `on_note` gets a note on the others."""
    for path in paths:
        if shown(path) == str(path):
            yield path
        elif on_note:
            on_note(f"{shown(path)}: left out, its name is not UTF-8. Rename it.")


def steady_times(frames: int, fps: float, *, first: int = 0) -> np.ndarray:
    """Returns when frames of a constant rate were taken: `(frames,)` float64 seconds.

    Args:
        frames: How many.
        fps: Frames per second.
        first: Number of the first one in its video, counted from 0.

    Raises:
        ValueError: `fps` is not a positive number.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise ValueError(f"fps must be a positive number of frames per second. Received: {fps}")
    return np.arange(first, first + frames) / float(fps)


def _check_times(name: str, times: np.ndarray, frames: int) -> None:
    if times.dtype != np.float64 or times.shape != (frames,):
        raise ValueError(
            f"{name}: times must be float64 {(frames,)}. Received: {times.dtype} {times.shape}"
        )
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise ValueError(
            f"{name}: times must be finite and rise from frame to frame. Received: {times}"
        )
