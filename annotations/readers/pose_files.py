"""Files of poses as prediction takes them: everybody in a file as a `Clip`, without labels.

A JSON file or a folder of OpenPose or AlphaPose, an archive of arrays (.npz), and the clips that a
run keeps (.parquet). Knows nothing of models.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.readers.openpose import read_openpose_people
from pose_activity.annotations.readers.openpose_json import is_frame_file
from pose_activity.annotations.readers.pose_archives import (
    read_flat_archive,
    read_pose_archive,
    split_prefixes,
)
from pose_activity.annotations.skeleton import Skeleton

SUFFIXES = frozenset({".json", ".npz", ".parquet"})


@dataclass(frozen=True)
class PoseFormat:
    """What pose files do not say about themselves.

    Attributes:
        fps: Frames per second.
        skeleton: Of archives: a name or JSON, see `Skeleton.from_text`; None: the known one with
            that number of joints.
        min_score: Of archives, see `read_pose_archive`.
    """

    fps: float = 25.0
    skeleton: str | None = None
    min_score: float = 0.0


def is_pose_file(path: Path) -> bool:
    """Returns whether it is named like a file of poses, or is a folder with one for each frame."""
    if path.is_dir():
        return any(map(is_frame_file, path.iterdir()))
    return path.suffix.lower() in SUFFIXES


def holds_clips(path: Path) -> bool:
    """Returns whether the file holds clips that have names of their own, and not one video."""
    return path.suffix.lower() in (".npz", ".parquet") and not path.is_dir()


def read_people(
    path: Path, form: PoseFormat, *, on_note: Callable[[str], None] | None = None
) -> list[Clip]:
    """Reads everybody in a file, or folder, of poses.

    Args:
        path: See the module's header.
        form: What it does not say.
        on_note: Called with a note on what was fixed.

    Returns:
        A clip with joints for each person; of archives, for each array or clip.

    Raises:
        ValueError: it cannot be read, or holds clips without joints.
        ModuleNotFoundError: a .parquet file without pyarrow.
    """
    if not holds_clips(path):
        return read_openpose_people(path, fps=form.fps, on_note=on_note)
    if path.suffix.lower() == ".parquet":
        from pose_activity.annotations.clip_files import (
            read_clips,  # needs pyarrow, which nothing else does
        )

        clips = read_clips(path)
        if without := sum(clip.keypoints is None for clip in clips):
            raise ValueError(
                f"{path}: clips must have joints. Received: {without} of {len(clips)} without. "
                "Give cache/clips.parquet of the run, or the videos."
            )
        return clips
    skeleton = None if form.skeleton is None else Skeleton.from_text(form.skeleton)
    prefixes = split_prefixes(path)
    if prefixes:
        options = {"fps": form.fps, "skeleton": skeleton, "on_note": on_note}
        return [c for prefix in prefixes for c in read_flat_archive(path, prefix=prefix, **options)]
    return read_pose_archive(
        path, fps=form.fps, skeleton=skeleton, min_score=form.min_score, on_note=on_note
    )
