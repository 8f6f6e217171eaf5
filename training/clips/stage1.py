"""The step `stage1` of a run on clips: the pose model for videos, used as it is."""

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pose_activity.annotations import videos
from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.images import ImageError, write_image
from pose_activity.annotations.skeleton import SKELETONS
from pose_activity.configs.clips import ClipRun
from pose_activity.stage1_pose import kept_graph
from pose_activity.stage1_pose.options import TrackOptions
from pose_activity.stage1_pose.track_video import write_tracking
from pose_activity.training.clips.steps import CLIPS
from pose_activity.training.pose_weights import find_weights
from pose_activity.training.steps import Counts

PARITY_VIDEOS = 4  # whose first frames an exported graph is compared on with its model


def make_stage1(run: ClipRun, folder: Path) -> Counts:
    """Takes the pose graph of another run, or exports weights."""
    write_tracking(folder, TrackOptions(**run.track.arguments("policy")))
    if run.stage1.graph:
        kept_graph.copy(run.stage1.graph, folder)
    else:
        _export(run, folder)
    return {}


def _export(run: ClipRun, folder: Path) -> None:
    from pose_activity.stage1_pose.export import export

    clips = read_clips(run.run_dir / "annotations" / CLIPS)
    with tempfile.TemporaryDirectory(prefix="pose-activity-") as frames:
        export(
            find_weights(run.stage1.weights),
            folder,
            size=run.stage1.export_size,
            skeleton=SKELETONS[run.stage1.skeleton],
            images=list(_first_frames(clips, Path(frames))),
            threads=run.threads,
        )


def _first_frames(clips: list[Clip], folder: Path) -> Iterator[Path]:
    """Writes the first frames of some videos as pictures; yields their paths."""
    number = 0
    for source in dict.fromkeys(clip.source for clip in clips):
        for frame in islice(videos.read_frames(source), 1):
            try:
                pixels = frame.load()
            except ImageError:  # the cache step reports it
                continue
            path = folder / f"{number}.png"
            write_image(path, pixels)
            yield path
            number += 1
        if number == PARITY_VIDEOS:
            return
