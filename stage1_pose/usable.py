"""Whether a video shows one person well enough to learn from: sums of joints, runs of frames.

In comes a person's `Clip`, out go the frames without them and the longest run of frames in which
stage 1 was sure of enough joints. Numpy only; no file is read. The rule is that of the skating
project (2020), which kept a video by its longest run of frames with a sum of joint scores.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pose_activity.annotations.clips import Clip

Run = tuple[int, int]  # rows [first, stop)


@dataclass(frozen=True, eq=False)
class Usability:
    """What was found out about a clip of T frames.

    Attributes:
        sums: `(T,)` float32, the sum of the confidences of a frame's joints; 0 without the person.
        absent: Runs of frames in which the person was not found.
        longest: The longest run of frames with a sum of at least `least`; (0, 0): there is none.
        least: What was asked for.
        usable: Whether that run is long enough.
    """

    sums: np.ndarray
    absent: tuple[Run, ...]
    longest: Run
    least: float
    usable: bool


def judge(clip: Clip, *, least: float, frames: int) -> Usability:
    """Judges a clip.

    Args:
        clip: With keypoints; see `stage1_pose.track_video.clip_of_video`.
        least: Sum of the joints' confidences from which a frame counts.
        frames: So many of them, one after the other, make the clip usable.

    Raises:
        ValueError: the clip has no keypoints.
    """
    seen = clip.valid
    sums = np.zeros(0, np.float32) if clip.keypoints is None else clip.keypoints[..., 2].sum(axis=1)
    longest = max(runs(sums >= least), key=lambda run: run[1] - run[0], default=(0, 0))
    enough = longest[1] - longest[0] >= frames
    return Usability(sums.astype(np.float32), tuple(runs(~seen)), longest, least, enough)


def runs(holds: np.ndarray) -> Iterator[Run]:
    """Yields the runs of true values, [first, stop), in order.

    Args:
        holds: `(T,)` bool.
    """
    edges = np.flatnonzero(np.diff(holds.astype(np.int8), prepend=0, append=0))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
