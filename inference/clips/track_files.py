"""Who was followed through a video, as JSON: everybody's boxes and joints, frame by frame.

    {"format": 1, "video": "clip.mp4", "size": [640, 480], "joints": ["nose", ...],
     "bones": [["nose", "left_eye"], ...], "frames": [0, 1, ...], "seconds": [0.0, 0.04, ...],
     "people": [{"person": 0, "frames": [0, 1, ...], "boxes": [[x1, y1, x2, y2], ...],
                 "scores": [...], "keypoints": [[[x, y, confidence], ...], ...]}, ...]}

`frames` and `seconds` are those that were looked at; a person has entries for the frames in which
they were found. Coordinates are pixels of the upright frame; numbers have just enough digits to be
the float32 that they were.
"""

import json
from pathlib import Path
from typing import Any

from pose_activity.artifacts import atomic
from pose_activity.artifacts.names import in_json, shown
from pose_activity.inference.annotated_media import drawing_name
from pose_activity.inference.results import shortest
from pose_activity.stage1_pose.track import Track
from pose_activity.stage1_pose.track_video import VideoTracks

SUFFIX = ".tracks.json"
_FORMAT = 1


def tracks_name(source: Path) -> str:
    """Returns the name of a video's file among those of others."""
    return f"{drawing_name(source)}{SUFFIX}"


def write_tracks(path: Path, watched: VideoTracks, *, name: str) -> None:
    """Writes who was followed, whole or not at all.

    Args:
        path: The file.
        watched: What stage 1 saw.
        name: Of the video.
    """
    about = {
        "format": _FORMAT,
        "video": shown(name),
        "size": list(watched.size),
        "joints": list(watched.skeleton.joints),
        "bones": [list(bone) for bone in watched.skeleton.bones],
        "frames": watched.frames.tolist(),
        "seconds": [round(seconds, 6) for seconds in watched.times.tolist()],
        "people": [_as_json(track) for track in watched.tracks],
    }
    atomic.write_bytes(path, in_json(json.dumps(about, allow_nan=False)).encode())


def _as_json(track: Track) -> dict[str, Any]:
    return {
        "person": track.person,
        "frames": track.frames.tolist(),
        "boxes": shortest(track.boxes),
        "scores": shortest(track.scores),
        "keypoints": shortest(track.keypoints),
    }
