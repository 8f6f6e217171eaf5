"""The command `check-videos`: which videos show one person well enough to learn from.

    OUT/check.csv     a row for each video: who is missing when, the longest sure run, usable or not
    OUT/check.html    the same with a strip of frames for each video
    OUT/ranges.txt    the longest run of each usable video, as `clips.ranges` reads it
    OUT/cut/*.mp4     on request: each usable video without frames that lack the person

With a model of body parts, joints are compared with the part that they should lie on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.drawing import draw_poses
from pose_activity.annotations.images import ImageError
from pose_activity.annotations.media import find_media
from pose_activity.annotations.types import Poses
from pose_activity.artifacts import atomic, csv_text
from pose_activity.artifacts.names import shown
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_pose.predict import PosePredictor
from pose_activity.stage1_pose.track_video import clip_of_video
from pose_activity.stage1_pose.usable import Usability, judge
from pose_activity.training.console import console, say, say_notes, say_rows
from pose_activity.training.report_page.facts import Column, Facts, Prose, Section, Table, Tiles
from pose_activity.training.report_page.html import write_page
from pose_activity.training.report_page.images import Tile, data_uri

_STRIP = 8  # frames of a video on the page
_HEIGHT = 150  # pixels
_SEEN = 0.25  # joints of a lower confidence are not drawn
_RED, _GREEN = (214, 60, 60), (70, 170, 90)
_CODEC = "mp4v"  # every OpenCV brings it

# The person's joints `(K, 3)` in a frame `(H, W, 3)` -> (joints off their part, joints compared).
Compare = Callable[[np.ndarray, Poses], tuple[int, int]]


@dataclass(frozen=True, eq=False)
class CheckedVideo:
    """What was found out about one video.

    Attributes:
        clip: Of the person in focus.
        found: Whether it is usable, and why.
        off: Share of the joints that do not lie on their part; None: it was not compared.
        strip: `(H, W, 3)` uint8 RGB: some frames, red where the person is missing or unsure.
    """

    clip: Clip
    found: Usability
    off: float | None
    strip: np.ndarray

    def row(self) -> dict[str, str]:
        """Returns the values of its columns; frames are counted from 1, both ends included."""
        first, stop = self.found.longest
        absent = sum(stop - first for first, stop in self.found.absent)
        return {
            "video": shown(self.clip.source),
            "usable": "yes" if self.found.usable else "no",
            "frames": str(len(self.found.sums)),
            "without the person": str(absent),
            "missing in": ", ".join(f"{a + 1}-{b}" for a, b in self.found.absent),
            "longest run": str(stop - first),
            "of frames": f"{first + 1}-{stop}" if stop > first else "",
            "mean sum of joints": f"{self.found.sums.mean():.2f}" if len(self.found.sums) else "",
            "joints off their part": "" if self.off is None else f"{self.off:.3f}",
        }


def check_videos(
    paths: Sequence[Path],
    pose: PosePredictor,
    out: Path,
    *,
    policy: str = "most_joints",
    least: float = 8.0,
    frames: int = 30,
    compare: Compare | None = None,
    cut: bool = False,
    threads: int = 1,
) -> list[CheckedVideo]:
    """Checks videos, writes what was found and prints a table.

    What is compared are the joints of the frames that are shown, some of each video.

    Args:
        paths: Videos, or folders of them.
        pose: Stage 1.
        out: Folder for the files; made if it is not there.
        policy: Who is in focus; a key of `stage1_pose.track.POLICIES`.
        least: Sum of the joints' confidences from which a frame counts.
        frames: So many of them in a row make a video usable.
        compare: Compares joints with body parts; None: that is not asked for.
        cut: Whether usable videos are written without the frames in which the person is missing.
        threads: Frames that are looked at side by side.

    Raises:
        ValueError: there is no video.
    """
    sources = [*_find(paths)]
    if not sources:
        raise ValueError(f"There must be a video to check. Received: {', '.join(map(str, paths))}")
    checked, unreadable = [], []
    for source in sources:
        try:
            with progress_bar(source.name, console) as show:
                clip = clip_of_video(
                    source, None, pose, policy=policy, workers=threads, on_progress=show
                )
        except ImageError as error:
            unreadable.append(str(error))
            continue
        found = judge(clip, least=least, frames=frames)
        strip, off = _look(clip, found, pose, compare)
        checked.append(CheckedVideo(clip, found, off, strip))
        if cut and found.usable:
            _cut(clip, out / "cut" / f"{source.stem}.mp4")
    say_notes(unreadable)
    if checked:
        _write(checked, out, least, frames)
    return checked


def _find(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from find_media(path, videos.SUFFIXES, kinds=("video",)).files
        else:
            yield path


def _write(checked: Sequence[CheckedVideo], out: Path, least: float, frames: int) -> None:
    rows = [one.row() for one in checked]
    heads = [*rows[0]]
    atomic.write_text(out / "check.csv", csv_text.as_text([heads, *(r.values() for r in rows)]))
    ranges = "".join(
        f"{shown(one.clip.source.stem)} frames {one.found.longest[0] + 1}-{one.found.longest[1]}\n"
        for one in checked
        if one.found.usable
    )
    atomic.write_text(out / "ranges.txt", ranges)
    used = [head for head in heads if any(row[head] for row in rows)]
    about = (
        f"A video is usable where {frames} frames or more, one after the other, have joints whose "
        f"confidences sum to {least:g} or more. Red frames do not count."
    )
    table = Table(
        "Videos", [Column(head, "name") for head in used], [[row[h] for h in used] for row in rows]
    )
    tiles = [
        Tile(
            data_uri(one.strip, one.strip.shape[1]),
            f"{one.clip.source.name}: {'usable' if one.found.usable else 'not usable'}",
            (f"longest run: {one.row()['longest run']} frames {one.row()['of frames']}",),
            one.clip.source.name,
        )
        for one in checked
    ]
    section = Section("videos", "Videos", "", [Prose(about), table, Tiles(tiles, "strip")])
    write_page(out / "check.html", Facts("Videos", f"{len(rows)} checked", [section]))
    columns = ("video", "usable", "frames", "without the person", "longest run")
    brief = [{name: row[name] for name in columns} for row in rows]
    say_rows(f"{sum(one.found.usable for one in checked)} of {len(rows)} are usable", brief)
    say(f"all of it: {out / 'check.html'}, check.csv, ranges.txt")


def _look(
    clip: Clip, found: Usability, pose: PosePredictor, compare: Compare | None
) -> tuple[np.ndarray, float | None]:
    """Returns a strip of frames, and the share of joints that lie off their part on these."""
    count = len(found.sums)
    wanted = {*np.linspace(0, count - 1, min(_STRIP, count)).round().astype(int).tolist()}
    tiles, off, compared = [], 0, 0
    for row, frame in enumerate(islice(videos.read_frames(clip.source), count)):
        if row not in wanted or clip.keypoints is None:
            continue
        with suppress(ImageError):
            pixels = frame.load()
            person = clip.keypoints[row : row + 1]
            if compare is not None and person[..., 2].any():
                missed, looked = compare(pixels, _poses(clip, person, pixels, pose))
                off, compared = off + missed, compared + looked
            sure = found.sums[row] >= found.least
            tiles.append(_tile(draw_poses(pixels, pose.skeleton, person, threshold=_SEEN), sure))
    strip = np.hstack(tiles) if tiles else np.zeros((_HEIGHT, _HEIGHT, 3), np.uint8)
    return strip, off / compared if compared else None


def _poses(clip: Clip, person: np.ndarray, pixels: np.ndarray, pose: PosePredictor) -> Poses:
    """Returns the person's joints in a frame as poses; the box is that of the joints."""
    xy = person[0, person[0, :, 2] > 0, :2]
    box = np.concatenate([xy.min(axis=0), xy.max(axis=0) + 1])[None].astype(np.float32)
    size = (pixels.shape[1], pixels.shape[0])
    return Poses(clip.source, size, pose.skeleton, box, np.ones(1, np.float32), person)


def _tile(image: np.ndarray, sure: bool) -> np.ndarray:
    width = max(1, round(image.shape[1] * _HEIGHT / image.shape[0]))
    small = np.asarray(cv2.resize(image, (width, _HEIGHT), interpolation=cv2.INTER_AREA))
    colour = _GREEN if sure else _RED
    return np.asarray(cv2.rectangle(small, (0, 0), (width - 1, _HEIGHT - 1), colour, 3))


def _cut(clip: Clip, path: Path) -> None:
    """Writes a video without the frames in which the person is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fps = videos.read_header(clip.source).fps or 25.0
    writer: Any = None
    with atomic.replacing(path) as temporary:
        frames = islice(videos.read_frames(clip.source), len(clip.valid))
        for frame, seen in zip(frames, clip.valid.tolist(), strict=True):
            if not seen:
                continue
            pixels = cv2.cvtColor(frame.load(), cv2.COLOR_RGB2BGR)
            if writer is None:
                size = (pixels.shape[1], pixels.shape[0])
                code = cv2.VideoWriter.fourcc(*_CODEC)
                writer = cv2.VideoWriter(str(temporary), code, fps, size)
                if not writer.isOpened():
                    raise OSError(f"{path}: this OpenCV cannot write an MP4 of {size} pixels")
            writer.write(pixels)
        writer.release()
