"""Answers about the people of videos into a folder of videos: `--draw` for models of motion.

A person's name is known when the whole video was seen, so it is read once more, frame by frame.
The copy is an MP4 of the same size; frames that `every` leaves out are not in it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from pose_activity.annotations import videos
from pose_activity.annotations.images import ImageError
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.inference import overlay
from pose_activity.inference.annotated_media import VideoWriter
from pose_activity.inference.clips.predictor import VideoResult
from pose_activity.inference.results import Result
from pose_activity.stage1_pose.track import Track

_BARE = Result(Path())  # of somebody whom no row is about


def draw_video(
    answer: VideoResult,
    folder: Path,
    *,
    threshold: float,
    every: int = 1,
    on_progress: ProgressCallback | None = None,
) -> str | None:
    """Writes an annotated copy of a video, whole or not at all.

    Args:
        answer: What was said about it.
        folder: For the file; is there.
        threshold: Joints with a lower confidence are left out.
        every: The frames of the answer are this many apart.
        on_progress: Told frames done, frames that the header promises (0: unknown) and the name.

    Returns:
        What could not be drawn and why, or None. Nothing is raised for that: the answers matter
        more. A damaged video is drawn as far as it can be read.
    """
    said = {track.person: _about(track, answer.rows) for track in answer.tracks}
    promised = len(range(0, videos.read_header(answer.source).frames, every))
    film: VideoWriter | None = None
    try:
        for done, frame in enumerate(videos.read_frames(answer.source, every=every), 1):
            try:
                pixels = frame.load()
            except ImageError:  # its row says so
                break
            number = frame.number or 0
            people = [(track, _by_now(said[track.person], number)) for track in answer.tracks]
            painted = overlay.paint_tracks(pixels, people, number, threshold=threshold)
            film = film or VideoWriter(answer.source, folder, painted, every)
            film.add(painted, frame.seconds or 0.0)
            if on_progress:
                on_progress(done, promised, f"drawing {answer.source.name}")
        if film:
            film.close()
    except OSError as error:
        return str(error)
    finally:
        if film:
            film.discard()
    return None


def _about(track: Track, rows: Sequence[Result]) -> list[Result]:
    """Returns the rows about a person, in time."""
    return [row for row in rows if row.person == track.person] or [_BARE]


def _by_now(rows: Sequence[Result], frame: int) -> Result:
    """Returns the last of some rows that begins at or before a frame, else the first."""
    begun = bisect_right(rows, frame, key=lambda row: row.frame or 0)
    return rows[max(0, begun - 1)]
