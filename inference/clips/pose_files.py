"""Pose files into people, as `stage1_pose.track_video.track_video` makes them of videos.

What the files do not say about themselves (frames per second, the skeleton of an archive) is beside
the classifier that was trained from such files, in `pose_files.json`.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from glob import glob
from pathlib import Path

import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.images import find_files
from pose_activity.annotations.readers.openpose_json import is_frame_file
from pose_activity.annotations.readers.pose_files import (
    PoseFormat,
    holds_clips,
    is_pose_file,
    read_people,
)
from pose_activity.artifacts import atomic
from pose_activity.inference.kinds import POSE_FILES
from pose_activity.stage1_pose.track import Track
from pose_activity.stage1_pose.track_video import VideoTracks

_MANIFEST = ".manifest.json"  # of a table among the pose files
_IN_FOLDERS = frozenset({".json", ".npz"})


@dataclass(frozen=True, eq=False)
class Seen:
    """One person in a pose file.

    Attributes:
        watched: The frames; its source is the file, followed by the clip's name if the file
            holds named clips.
        track: The person; None where no joint was found.
    """

    watched: VideoTracks
    track: Track | None


def find(names: Iterable[str]) -> tuple[list[Path], list[str]]:
    """Selects the pose files from what was named on a command line.

    Args:
        names: Files, folders (all .json and .npz files below, a folder with a file per frame as
            one), globs; others are left to `sources.find_sources`.

    Returns:
        The pose files, each once; and the names that hold something else, or that too.
    """
    found: dict[Path, None] = {}
    others = []
    for name in names:
        matches = [] if Path(name).exists() else sorted(glob(name, recursive=True))
        for match in matches or [name]:
            path = Path(match)
            if matches and match.endswith(_MANIFEST):
                continue
            if is_pose_file(path) and path.exists():
                found[path] = None
                continue
            poses = _below(path) if path.is_dir() else []
            found.update(dict.fromkeys(poses))
            if not poses or find_files(path, videos.SUFFIXES):
                others.append(match)
    return list(found), others


def _below(folder: Path) -> list[Path]:
    files = find_files(folder, _IN_FOLDERS)
    return [
        file.parent if is_frame_file(file) else file
        for file in files
        if not file.name.endswith(_MANIFEST)
    ]


def write_format(folder: Path, form: PoseFormat) -> Path:
    """Notes beside a classifier what its pose files did not say; returns where."""
    atomic.write_json(folder / POSE_FILES, asdict(form))
    return folder / POSE_FILES


def read_format(folder: Path) -> PoseFormat:
    """Returns what `write_format` noted, or the default.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / POSE_FILES
    if not path.is_file():
        return PoseFormat()
    try:
        return PoseFormat(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}). Run the stage2 step again.") from None


def see_people(path: Path, form: PoseFormat, *, every: int = 1) -> tuple[list[Seen], list[str]]:
    """Reads everybody in a pose file.

    Args:
        path: See `annotations.readers.pose_files`.
        form: What it does not say.
        every: 2 takes the frames 0, 2, 4, ...

    Returns:
        The people, and what was missing or fixed in the file.

    Raises:
        ValueError: see `annotations.readers.pose_files.read_people`.
        ModuleNotFoundError: see there.
    """
    notes: list[str] = []
    clips = read_people(path, form, on_note=notes.append)
    named = holds_clips(path)
    people = [
        _seen(clip, path / clip.name if named else path, number, every)
        for number, clip in enumerate(clips)
    ]
    return people, [note.removeprefix(f"{path}: ") for note in notes]


def _seen(clip: Clip, source: Path, person: int, every: int) -> Seen:
    if clip.keypoints is None or clip.times is None or clip.skeleton is None:
        raise ValueError(f"{source}: a clip must have joints. Received: one without.")
    keypoints, times, found = (a[::every] for a in (clip.keypoints, clip.times, clip.valid))
    first = clip.span[0] if clip.span else 0
    frames = first + every * np.arange(len(times), dtype=np.int64)
    track = None
    if found.any():
        joints = keypoints[found]
        boxes = np.array([_box(one) for one in joints], np.float32)
        scores = joints[..., 2].mean(axis=1)
        track = Track(person, clip.skeleton, frames[found], boxes, scores, joints)
    tracks = [] if track is None else [track]
    size = (0, 0)  # no file says it
    return Seen(VideoTracks(source, clip.skeleton, size, frames, times, tracks, None), track)


def _box(joints: np.ndarray) -> np.ndarray:
    """Returns the xyxy box around the joints that were found."""
    found = joints[joints[:, 2] > 0, :2]
    return np.concatenate([found.min(axis=0), found.max(axis=0)])
