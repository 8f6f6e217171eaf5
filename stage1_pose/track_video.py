"""A video into the people who move in it: training and inference read videos with `track_video`.

In comes a video file, out come `Track`s and the true times of the frames, or one `Clip` of the
person whom it is about. Frames are streamed: what stays in memory is joints. Files are only read.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.images import ImageError
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.artifacts import atomic, renamed
from pose_activity.artifacts.ordered import in_order
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.stage1_pose.options import TrackOptions
from pose_activity.stage1_pose.predict import PosePredictor
from pose_activity.stage1_pose.track import Track, Tracker, as_clip, focus

TRACKING = "track.json"  # beside pose.json
_TICK = 0.001  # seconds


@dataclass(frozen=True, eq=False)
class VideoTracks:
    """What stage 1 saw in a video, or in a part of it.

    Attributes:
        source: The video.
        skeleton: Of the joints.
        size: (width, height) of its frames in pixels; (0, 0) where none could be read.
        frames: `(T,)` int64, rising: the numbers of the frames that were looked at.
        times: `(T,)` float64, rising: their seconds from the video's beginning.
        tracks: The people, in the order in which they appear.
        lost: A note on frames that could not be read; None: all could.
    """

    source: Path
    skeleton: Skeleton
    size: tuple[int, int]
    frames: np.ndarray
    times: np.ndarray
    tracks: list[Track]
    lost: str | None

    def clip_of(self, track: Track) -> Clip:
        """Returns one person's clip, from the first to the last frame in which they were found."""
        first, last = np.searchsorted(self.frames, track.frames[[0, -1]])
        part = slice(first, last + 1)
        return as_clip(
            track,
            skeleton=self.skeleton,
            frames=self.frames[part],
            times=self.times[part],
            name=f"{self.source.name}, person {track.person}",
            source=self.source,
            span=(int(track.frames[0]), int(track.frames[-1]) + 1),
        )


def track_video(
    path: Path,
    pose: PosePredictor,
    *,
    span: tuple[int, int] | None = None,
    every: int = 1,
    tracking: TrackOptions | None = None,
    workers: int = 1,
    pool: Executor | None = None,
    on_progress: ProgressCallback | None = None,
) -> VideoTracks:
    """Finds the people of a video and follows them.

    Args:
        path: A video file.
        pose: Finds people in a frame.
        span: Frames [first, stop) to look at; None: all.
        every: 2 uses the frames 0, 2, 4, ...
        tracking: How people are followed; None for the usual options.
        workers: Frames that are processed at the same time; the result does not depend on it.
        pool: See `artifacts.ordered.in_order`.
        on_progress: Told frames done, frames that the header promises (0: unknown) and the name.

    Returns:
        What was seen. A damaged video gives what came before the damage, and says so in `lost`.
    """
    first, stop = span or (0, None)
    total = _promised(path, first, stop, every)
    tracker = Tracker(tracking)
    numbers, times = list[int](), list[float]()
    size, lost = (0, 0), None
    todo = _frames(path, first, stop, every)
    for frame, found in in_order(_looker(pose), todo, workers=workers, pool=pool):
        if isinstance(found, str):
            lost = found
            break
        tracker.add(found, frame.number)
        numbers.append(frame.number)
        times.append(frame.seconds)
        size = found.size
        if on_progress:
            on_progress(len(numbers), total, path.name)
    if lost is None and stop is not None and stop > _end(path, numbers, every):
        lost = f"{path}: frames {first} to {stop} were asked for, and it ends before the last ones"
    return VideoTracks(
        path,
        pose.skeleton,
        size,
        np.array(numbers, np.int64),
        _rising(np.array(times, np.float64)),
        tracker.tracks(),
        lost,
    )


def clip_of_video(
    path: Path,
    span: tuple[int, int] | None,
    pose: PosePredictor,
    *,
    policy: str = "focus",
    tracking: TrackOptions | None = None,
    workers: int = 1,
    on_progress: ProgressCallback | None = None,
) -> Clip:
    """Returns the clip of the person whom a video is about.

    Args:
        path: A video file.
        span: Frames [first, stop) to look at; None: all.
        pose: Finds people in a frame.
        policy: Who that person is, a key of `stage1_pose.track.POLICIES`.
        tracking: How people are followed; None for the usual options.
        workers: See `track_video`.
        on_progress: See `track_video`.

    Returns:
        A row for each frame that was looked at, zeros where the person was not found: all of them
        where nobody was. Its name is the video's; label, group and split are None.

    Raises:
        ImageError: not all of the frames can be read.
        ValueError: no such policy.
    """
    watched = track_video(
        path,
        pose,
        span=span,
        tracking=tracking,
        workers=workers,
        on_progress=on_progress,
    )
    if watched.lost:
        raise ImageError(watched.lost)
    return as_clip(
        focus(watched.tracks, watched.size, policy=policy),
        skeleton=watched.skeleton,
        frames=watched.frames,
        times=watched.times,
        name=path.name,
        source=path,
        span=span,
    )


def write_tracking(folder: Path, options: TrackOptions) -> None:
    """Records beside a pose graph (in `folder`) how people are followed, for inference."""
    atomic.write_json(folder / TRACKING, asdict(options))


def read_tracking(folder: Path) -> TrackOptions | None:
    """Returns what `write_tracking` recorded, or None.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / TRACKING
    if not path.is_file():
        return None
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return TrackOptions(**renamed.translate(noted, "track"))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error}). Run the stage1 step again.") from None


def _frames(path: Path, first: int, stop: int | None, every: int) -> Iterator[Frame]:
    """Yields the frames of a part of a video, and what is lost of it."""
    frames = videos.read_frames(
        path, every=every, skip=lambda number: number is not None and number < first
    )
    if stop is None:
        return frames
    return takewhile(lambda frame: frame.number is None or frame.number < stop, frames)


def _looker(pose: PosePredictor) -> Callable[[Frame], tuple[Frame, Poses | str]]:
    """Returns a function of one frame: the people in it, or why it cannot be read."""

    def look(frame: Frame) -> tuple[Frame, Poses | str]:
        try:
            pixels = frame.load()
        except ImageError as error:
            return frame, str(error)
        return frame, pose([pixels], [frame.source])[0]

    return look


def _promised(path: Path, first: int, stop: int | None, every: int) -> int:
    frames = videos.read_header(path).frames
    return len(range(0, min(frames, stop or frames), every)) - len(range(0, first, every))


def _end(path: Path, numbers: list[int], every: int) -> int:
    """Returns where a video ends that was read to its end; a few frames more if it promises so."""
    if not numbers:
        return 0
    end = numbers[-1] + every
    return max(end, min(videos.read_header(path).frames, end + videos.FEW))


def _rising(times: np.ndarray) -> np.ndarray:
    """Returns times that rise strictly; some files repeat one, or start again in the middle."""
    times = times.copy()
    for i in range(1, len(times)):
        if times[i] <= times[i - 1]:
            times[i] = times[i - 1] + _TICK
    return times
