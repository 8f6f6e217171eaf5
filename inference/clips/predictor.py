"""Videos in, a row per person out: the pipeline of models that look at how people move.

Stage 1 finds the people of each frame, `stage1_pose.track` follows them, `cache.sequence` makes of
each what training made of its clips, and stage 2 names it. No torch, no tensorflow. Frames are
streamed and windows classified some at a time: what a longer video adds to memory is joints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.readers.pose_files import is_pose_file
from pose_activity.annotations.skeleton import OPENPOSE18
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.cache.sequence import LEAST_SEEN, Prepared, prepare
from pose_activity.inference.clips import pose_files
from pose_activity.inference.finished import check_model
from pose_activity.inference.package import open_model
from pose_activity.inference.pictures.predictor import load_pose
from pose_activity.inference.precision_records import Precision, require
from pose_activity.inference.results import Result, check_unknown, rank
from pose_activity.inference.smoothing import TrailingMean
from pose_activity.runtime.graph import cpu_count
from pose_activity.stage1_pose import predict as stage1
from pose_activity.stage1_pose.track import Track
from pose_activity.stage1_pose.track_video import VideoTracks, read_tracking, track_video
from pose_activity.stage2_classifier import predict_sequences
from pose_activity.stage2_classifier.vectors import linear

_BATCH = 16  # windows that are classified together
_NO_VIDEO = (
    "no video and no pose file, and this model names people by how they move. Name a video, such "
    "as an .mp4"
)
_NO_STAGE_1 = (
    "a video, and this model was trained on poses from files: it has no stage 1 that finds people. "
    "Name pose files, or package the model with the stage 1 of another run"
)


@dataclass(frozen=True, eq=False)
class VideoResult:
    """What the pipeline says about one video.

    Attributes:
        source: The video.
        rows: By person, then by time; then what could not be read.
        tracks: Who was followed, for drawing; their numbers are the rows' persons.
    """

    source: Path
    rows: list[Result]
    tracks: Sequence[Track] = ()


class ClipPredictor:
    """Both stages of a finished run on clips.

    Attributes:
        classes: Actions or persons in the order of the probabilities.
        recipe: What the classifier sees.
        pose: Stage 1; None where poses come from files and there is none: then a video is an error.
        form: What pose files do not say of themselves.
        classifier: Stage 2's network.
        linear: The classifier on the network's vectors that answers in its place, or None.
        tracking: How people are followed, as in training: arguments of
            `stage1_pose.track_video.track_video`.
        engine: That runs the graphs: "openvino" or "onnxruntime".
        precision: Of both stages.
        threads: Frames that are worked on side by side.
        unknown_below: Probability below which answers about people are called `UNKNOWN`; 0: none
            is. A person's answer is a mean over windows, and this was fitted on such means.
        window_unknown_below: The same for answers about single windows.
        least_seen: Share of a window's frames in which somebody must be seen for an answer that is
            not `UNKNOWN`; 0, as where `unknown_below` is 0: none.
        notes: What a person should know of the model before believing it.
    """

    def __init__(
        self,
        run: Path,
        *,
        engine: str = "auto",
        precision: str = "f32",
        threads: int | None = None,
        unknown_below: float | None = None,
        fps: float | None = None,
        stage1_folder: Path | None = None,
    ) -> None:
        """Loads the two graphs.

        Args:
            run: A run folder with finished stages, or a packaged model, of kind "sequence".
            engine: "auto", "onnxruntime" or "openvino".
            precision: See `inference.pictures.predictor.PicturePredictor`.
            threads: Frames that are worked on side by side; None: one a CPU.
            unknown_below: See `inference.pictures.predictor.PicturePredictor`.
            fps: Frames a second of pose files; None: as in the files of the training.
            stage1_folder: Of the pose graph; None: the model's own.

        Raises:
            FileNotFoundError: no model is there, or it is not finished.
            ValueError: a file was altered, or the classifier was trained on another pose graph's
                answers or other joints; or see `inference.finished.check_model`.
            PrecisionError: the precision changes the answers too much, or nobody knows.
        """
        check_unknown(unknown_below)
        folders = open_model(run)
        self.threads = cpu_count() if threads is None else threads
        self.precision = Precision.parse(precision)
        options = {"engine": engine, "threads": self.threads, "streams": self.threads}
        self.classifier = predict_sequences.load(
            folders.stage2, precision=self.precision.stage2, **options
        )
        self.recipe = self.classifier.recipe
        self.notes = check_model(run, self.recipe, packaged=folders.packaged)
        has_linear = (folders.stage2 / linear.SIDECAR).is_file()
        self.linear = linear.load(folders.stage2) if has_linear else None
        self.linear_sha256 = sha256_file(folders.stage2 / linear.NUMBERS) if has_linear else None
        self.classes = self.linear.classes if self.linear else self.classifier.classes
        self.engine = self.classifier.graph.engine
        self.unknown_below, self.window_unknown_below = self._thresholds(unknown_below)
        self.least_seen = self.classifier.least_seen or LEAST_SEEN
        if unknown_below == 0:
            self.least_seen = 0.0
        self.pose = self._load_pose(stage1_folder or folders.stage1, options)
        self.tracking = read_tracking(stage1_folder or folders.stage1)
        form = pose_files.read_format(folders.stage2)
        self.form = form if fps is None else replace(form, fps=fps)
        require(run, self.precision, engine=self.engine, graphs=self.graphs)

    @property
    def graphs(self) -> dict[str, str]:
        """Stage -> sha256 of its f32 graph."""
        found = {"stage2": self.classifier.sha256}
        return found if self.pose is None else {"stage1": self.pose.sha256, **found}

    def answers(
        self,
        paths: Sequence[Path],
        *,
        every: int = 1,
        per_window: bool = False,
        smooth: float = 0.0,
        on_progress: ProgressCallback | None = None,
    ) -> Iterator[VideoResult]:
        """Yields an answer per video or pose file, in order; unreadable ones carry their error.

        Args:
            paths: Videos and pose files; anything else gets a row that says so.
            every: Of a video, take every so many frames; see `check`.
            per_window: Whether there is a row for each window of a person instead of one.
            smooth: Rows of windows are the mean of so many seconds; 0: raw.
            on_progress: Told frames done and promised of the video under way, and its name.
        """
        for path in paths:
            if is_pose_file(path):
                rows = self._of_poses(path, every=every, per_window=per_window, smooth=smooth)
                yield VideoResult(path, rows)
                continue
            if self.pose is None or not videos.is_video(path):
                why = _NO_STAGE_1 if videos.is_video(path) else _NO_VIDEO
                yield VideoResult(path, [Result(path, f"{path}: {why}")])
                continue
            watched = track_video(
                path,
                self.pose,
                every=every,
                workers=self.threads,
                on_progress=on_progress,
                **self.tracking,
            )
            rows = [
                row
                for track in watched.tracks
                for row in self._rows(watched, track, per_window=per_window, smooth=smooth)
            ]
            if watched.lost:
                rows.append(Result(path, watched.lost))
            yield VideoResult(path, rows or [Result(path)], watched.tracks)

    def check(self, *, every: int, per_window: bool, smooth: float) -> None:
        """Refuses options that would change what the model sees, or that mean nothing.

        Raises:
            ValueError: `every` for a model that takes frames as they come, or `smooth` without
                rows of windows; a number out of its range.
        """
        as_they_come = self.recipe.rate is None and self.recipe.windows != "whole"
        if every > 1 and as_they_come:
            raise ValueError(
                "This model takes frames as they come, and with some left out people would move "
                f"{every} times as fast: leave out --every, or train with sequence.rate. "
                f"Received: --every {every}"
            )
        if not 0 <= smooth < np.inf:
            raise ValueError(f"Smoothing takes a window of 0 seconds or more. Received: {smooth}")
        if smooth and not per_window:
            raise ValueError(
                "A person's one answer is the mean of all their windows already: leave out "
                f"--smooth, or add --per-window. Received: --smooth {smooth:g}"
            )

    def _thresholds(self, asked: float | None) -> tuple[float, float]:
        """Returns those of answers about people, and about windows."""
        if asked is not None:
            return asked, asked
        if self.linear:
            return 0.0, 0.0
        return self.classifier.of_clips.unknown_below or 0.0, self.classifier.unknown_below or 0.0

    def _load_pose(self, folder: Path, options: dict) -> stage1.PosePredictor | None:
        seen = self.recipe.pose
        if not seen.sha256 and not (folder / stage1.SIDECAR).is_file():
            return None
        from_files = not seen.sha256  # then no graph is the one that training saw
        pose = load_pose(
            folder, seen, any_graph=from_files, precision=self.precision.stage1, **options
        )
        if self.recipe.body not in (pose.skeleton, OPENPOSE18):
            raise ValueError(
                f"{folder}: the classifier sees joints of {self.recipe.body.name!r}, which stage "
                f"1's {pose.skeleton.name!r} cannot become. Train with sequence.skeleton "
                "'openpose18', or with poses of this stage 1."
            )
        return pose

    def _of_poses(self, path: Path, *, every: int, per_window: bool, smooth: float) -> list[Result]:
        """Returns the rows about everybody in a pose file."""
        try:
            people, notes = pose_files.see_people(path, self.form, every=every)
        except (ValueError, ImportError) as error:
            return [Result(path, str(error))]
        rows = []
        for seen in people:
            if seen.track is None:
                rows.append(Result(seen.watched.source))
                continue
            rows += self._rows(seen.watched, seen.track, per_window=per_window, smooth=smooth)
        return [
            replace(row, note="; ".join(filter(None, (row.note, *notes))) or None) for row in rows
        ]

    def _rows(
        self, watched: VideoTracks, track: Track, *, per_window: bool, smooth: float
    ) -> list[Result]:
        """Returns the rows about one person: one, or one a window."""
        row = Result(
            image=watched.source,
            person=track.person,
            unknown_below=self.unknown_below,
            **_place(watched, track, track.frames[0], track.frames[-1]),
        )
        try:
            cut = prepare(watched.clip_of(track), self.recipe)
        except ValueError as error:  # too short
            return [replace(row, error=str(error))]
        seen = [cut.seen(window) for window in range(len(cut.begins))]
        found = self._classify(cut)
        if not len(found):
            return [replace(row, note="no joint is sure enough")]
        if not per_window:
            row = self._doubted(replace(row, note=_padding(cut)), max(seen))
            return [self._named(row, self._together(found))]
        mean, rows = TrailingMean(smooth), []
        first = np.searchsorted(watched.frames, track.frames[0])
        row = replace(row, unknown_below=self.window_unknown_below, note=_padding(cut))
        for begin, share, shares in zip(cut.begins, seen, found, strict=True):
            last = min(begin + self.recipe.frames, len(cut.rows)) - 1
            frames = watched.frames[first + cut.rows[[begin, last]]]
            place = _place(watched, track, *frames)
            if smooth:
                shares = mean(watched.source, place["seconds"], shares)
            rows.append(self._named(self._doubted(replace(row, **place), share), shares))
        return rows

    def _together(self, windows: np.ndarray) -> np.ndarray:
        """Returns what all windows of a person say."""
        whole = predict_sequences.of_clip if self.linear else self.classifier.of_clip
        return whole(windows)

    def _doubted(self, row: Result, seen: float) -> Result:
        """Returns the row; one that never is sure, where the person was hardly seen."""
        if seen >= self.least_seen:
            return row
        frames = self.recipe.frames
        brief = f"seen in {round(seen * frames)} of the {frames} frames of a window"
        return replace(row, unknown_below=np.inf, note=f"{brief}: too few for a sure answer")

    def _classify(self, cut: Prepared) -> np.ndarray:
        """Returns `(windows, classes)` float32 probabilities."""
        found = [np.zeros((0, len(self.classes)), np.float32)]
        for start in range(0, len(cut.begins), _BATCH):
            windows = range(start, min(start + _BATCH, len(cut.begins)))
            tensors = np.stack([cut.tensor(window) for window in windows])
            if self.linear:
                found.append(self.linear(self.classifier.embed(tensors)))
            else:
                found.append(self.classifier(tensors))
        return np.concatenate(found)

    def _named(self, row: Result, shares: np.ndarray) -> Result:
        return replace(row, probabilities=shares, ranking=rank(shares, self.classes))


def _padding(cut: Prepared) -> str | None:
    """Returns what to say of somebody who was seen for less than a window."""
    frames = cut.recipe.frames
    return (
        f"padded: seen for {len(cut.rows)} of {frames} frames" if len(cut.rows) < frames else None
    )


def _place(watched: VideoTracks, track: Track, first: int, last: int) -> dict:
    """Returns where and when somebody was between two frames: what a row says of it."""
    there = (track.frames >= first) & (track.frames <= last)
    at = np.searchsorted(watched.frames, first)
    boxes = track.boxes[there] if there.any() else track.boxes
    return {
        "box": boxes.mean(axis=0, dtype=np.float32),
        "frame": int(first),
        "seconds": float(watched.times[at]),
    }
