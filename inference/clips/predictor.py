"""Videos in, one row per person out: the pipeline of models of how people move.

Stage 1 finds the people of each frame, `stage1_pose.track` follows them, `cache.sequence` makes of
each what training made of its clips, and stage 2 names it. No torch, no tensorflow. Frames are
streamed and windows classified some at a time: what a longer video adds to memory is joints.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.images import ImageError
from pose_activity.annotations.readers.pose_files import is_pose_file
from pose_activity.annotations.skeleton import OPENPOSE18
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.cache.sequence import LEAST_SEEN, Prepared, prepare
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.inference import smoothing, sources
from pose_activity.inference.clips import pose_files
from pose_activity.inference.clips.live import NO_STAGE_1, Live, window_of
from pose_activity.inference.live import CannotBeLive
from pose_activity.inference.options import NO_HEATMAPS, OptionError, OutputOptions, Session
from pose_activity.inference.precision_records import require
from pose_activity.inference.predictor import TwoStagePredictor
from pose_activity.inference.results import (
    PERSON_COLUMNS,
    VIDEO_COLUMNS,
    Columns,
    Result,
    columns_of_answers,
    rank,
)
from pose_activity.stage1_pose import predict as stage1
from pose_activity.stage1_pose.track import Track
from pose_activity.stage1_pose.track_video import VideoTracks, read_tracking, track_video
from pose_activity.stage2_classifier import predict_sequences
from pose_activity.stage2_classifier.vectors import linear

_BATCH = 16  # windows that are classified together
_UNSURE = "no joint is sure enough"
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
        watched: All that stage 1 saw of a video; None of a pose file, and of what is no video.
        tell: Called with the progress of a drawing of it.
        made: Nothing: a person's name is known when the whole video was seen.
        notes: Nothing more than the rows'.
    """

    source: Path
    rows: list[Result]
    tracks: Sequence[Track] = ()
    watched: VideoTracks | None = None
    tell: ProgressCallback = lambda done, total, name: None
    made: None = None
    notes: tuple[str, ...] = ()


class ClipPredictor(TwoStagePredictor):
    """Both stages of a finished run on clips; see `TwoStagePredictor`.

    Attributes:
        pose: Stage 1; None where poses come from files and there is none: then a video is an error.
        form: What pose files do not say about themselves.
        linear: The classifier on the network's vectors that answers in its place, or None.
        tracking: How people are followed, as in training; None: as usual.
        unknown_below: A person's answer is a mean over windows, and this was fitted on such means.
        window_unknown_below: The same for answers about single windows.
        least_seen: Share of a window's frames in which somebody must be seen for an answer that is
            not `UNKNOWN`; 0, as where `unknown_below` is 0: none.
    """

    takes = "videos"
    classifier: predict_sequences.SequenceClassifier
    recipe: SequenceRecipe

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
        """Loads the two graphs; arguments and errors are those of `TwoStagePredictor`.

        `fps` is that of pose files (None: as in the files of the training), `stage1_folder` has the
        pose graph (None: the model's own). Joints that the classifier does not know are an error.
        """
        super().__init__(
            run,
            predict_sequences.load,
            engine=engine,
            precision=precision,
            threads=threads,
            unknown_below=unknown_below,
        )
        folder = self.folders.stage2
        has_linear = (folder / linear.SIDECAR).is_file()
        self.linear = linear.load(folder) if has_linear else None
        self.linear_sha256 = sha256_file(folder / linear.NUMBERS) if has_linear else None
        if self.linear:
            self.classes = self.linear.classes
        self.unknown_below, self.window_unknown_below = self._thresholds(unknown_below)
        self.least_seen = self._least_seen(unknown_below)
        self.pose = self._load_pose(stage1_folder or self.folders.stage1)
        self.tracking = read_tracking(stage1_folder or self.folders.stage1)
        form = pose_files.read_format(folder)
        self.form = form if fps is None else replace(form, fps=fps)
        require(run, self.precision, engine=self.engine, graphs=self.graphs, twins=self.twins)

    @staticmethod
    def find_sources(names: Sequence[str], on_note: Callable[[str], None]) -> list[Path]:
        """Returns pose files, then videos and whatever else was named."""
        found, others = pose_files.find(names)
        return found + (sources.find_sources(others, on_note=on_note) if others else [])

    def check(self, options: OutputOptions, named: Sequence[Path]) -> None:
        """Refuses what would change what the model sees, and what means nothing.

        Raises:
            OptionError: `every` for a model that takes frames as they come; `smooth` without rows
                of windows; what is drawn of images alone.
            ValueError: a number out of its range; a camera, for a model that cannot be live.
        """
        if options.explain:
            raise OptionError(
                "explain",
                "this is drawn of pictures, and this model names people by how they move. Leave it "
                "out: drawn videos show everybody's number and name.",
            )
        if options.heatmaps:
            raise OptionError("heatmaps", NO_HEATMAPS)
        if any(map(videos.is_camera, named)):
            self._check_live(options)
        as_they_come = self.recipe.rate is None and self.recipe.windows != "whole"
        if options.every > 1 and as_they_come:
            raise OptionError(
                "every",
                "this model takes frames as they come, and with some left out people would move "
                f"{options.every} times as fast: leave it out, or train with sequence.rate. "
                f"Received: {options.every}",
            )
        smoothing.check(options.smooth)
        if options.smooth and not options.per_window:
            raise OptionError(
                "smooth",
                "a person's only answer already is the mean of all their windows: leave it out, or "
                f"ask for a row per window. Received: {options.smooth:g}",
            )

    def unit(self, options: OutputOptions) -> str:
        """Returns "windows" where each has a row, else "people"."""
        return "windows" if options.per_window else "people"

    def columns(self, options: OutputOptions, named: Sequence[Path]) -> Columns:
        """Returns the columns, with a note; the rows of a video belong together."""
        more = (*PERSON_COLUMNS, *VIDEO_COLUMNS, "note")
        return columns_of_answers(self.classes, (), more, whole_videos=True)

    def settings(self, options: OutputOptions) -> dict[str, Any]:
        """Returns how videos are gone through, and how people are followed and named."""
        return {
            **_asked(options),
            "tracking": asdict(self.tracking) if self.tracking else {},
            "linear": self.linear_sha256,
            "pose_files": asdict(self.form),
            "window_unknown_below": self.window_unknown_below,
            "least_seen": self.least_seen,
        }

    def predict(
        self, named: Sequence[Path], options: OutputOptions, session: Session
    ) -> Iterator[VideoResult]:
        """Yields an answer per video and per pose file that has no rows yet."""
        todo = [source for source in named if not session.has(source, None)]
        for done, source in enumerate(session.until(todo)):
            if videos.is_camera(source):
                yield from self._watch(source, options, session)
                continue

            def tell(frame: int, frames: int, name: str, done: int = done) -> None:
                session.on_progress(done, len(todo), f"{name}, frame {frame} of {frames or '?'}")
                session.on_frame(frame, frames, name)

            (answer,) = self.answers([source], on_progress=tell, **_asked(options))
            yield replace(answer, tell=tell)
            session.on_progress(done + 1, len(todo), source.name)

    def _watch(
        self, camera: Path, options: OutputOptions, session: Session
    ) -> Iterator[VideoResult]:
        """Yields what is said of a camera's people, a few times a second."""
        live = Live(self)
        for frame in session.until(videos.read_frames(camera, every=options.every)):
            try:
                said = live.see(frame.load(), float(frame.seconds or 0))
            except ImageError as error:
                yield VideoResult(camera, [Result(camera, str(error), frame=frame.number)])
                return
            if said.fresh:
                rows = [replace(row, image=camera, frame=frame.number) for row in said.rows]
                yield VideoResult(camera, rows)

    def _check_live(self, options: OutputOptions) -> None:
        """Refuses a camera where there is no answer, or no drawing, before its video has ended."""
        window_of(self.recipe)
        if self.pose is None:
            raise CannotBeLive(NO_STAGE_1)
        for option in ("draw", "gallery"):
            if getattr(options, option) is not None:
                raise OptionError(
                    option,
                    "people are drawn once their whole video was seen, and a camera's does not "
                    "end. Leave it out, or record a video first.",
                )

    def answer_values(self, values: Sequence[Any]) -> Iterator[VideoResult]:
        """Yields an answer per path of a video or of a pose file."""
        for value in values:
            if not isinstance(value, (str, PathLike)):
                raise TypeError(
                    f"A model of clips takes the paths of videos. Received: {type(value).__name__}"
                )
            if videos.is_camera(Path(value)):
                raise ValueError(
                    f"A model of clips takes video files, record it first. Received: {value}"
                )
        yield from self.answers([Path(value) for value in values])

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
            paths: Videos and pose files; anything else gets a row with that error.
            every: Use every so many frames of a video; see `check`.
            per_window: Whether there is a row for each window of a person instead of one.
            smooth: Rows of windows are the mean of so many seconds; 0: raw.
            on_progress: Told frames done and promised of the video under way, and its name.
        """
        for path in paths:
            if is_pose_file(path):
                yield self._of_poses(path, every=every, per_window=per_window, smooth=smooth)
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
                pool=self.pool,
                on_progress=on_progress,
                tracking=self.tracking,
            )
            rows = [
                row
                for track in watched.tracks
                for row in self._rows(watched, track, per_window=per_window, smooth=smooth)
            ]
            if watched.lost:
                rows.append(Result(path, watched.lost))
            yield VideoResult(path, rows or [Result(path)], watched.tracks, watched)

    def name_latest(self, clip: Clip, row: Result) -> Result:
        """Names a person by the last window of what was seen of them until now.

        Args:
            clip: From the first frame that is remembered to the last one.
            row: Gets the answer, which is never sure before a window is full.
        """
        cut = prepare(clip, self.recipe)
        if not cut.begins:
            return replace(row, note=_UNSURE)
        last = len(cut.begins) - 1
        (shares,) = self._classify(cut, [last])
        row = self._doubted(replace(row, unknown_below=self.window_unknown_below), cut.seen(last))
        have, wanted = (
            cut.seconds[-1] - cut.seconds[0],
            self.recipe.frames / (self.recipe.rate or 1),
        )
        if len(cut.rows) < self.recipe.frames:
            row = replace(row, unknown_below=np.inf, note=f"{have:.1f} of {wanted:.1f} s seen")
        return self._named(row, shares)

    def with_threshold(self, unknown_below: float) -> Self:
        """Returns a predictor of the same graphs; see `TwoStagePredictor`."""
        other = super().with_threshold(unknown_below)
        other.window_unknown_below = unknown_below
        other.least_seen = self._least_seen(unknown_below)
        return other

    def _least_seen(self, asked: float | None) -> float:
        return 0.0 if asked == 0 else self.classifier.least_seen or LEAST_SEEN

    def _thresholds(self, asked: float | None) -> tuple[float, float]:
        """Returns those of answers about people, and about windows."""
        if asked is not None:
            return asked, asked
        if self.linear:
            return 0.0, 0.0
        return self.classifier.of_clips.unknown_below or 0.0, self.classifier.unknown_below or 0.0

    def _load_pose(self, folder: Path) -> stage1.PosePredictor | None:
        seen = self.recipe.pose
        if not seen.sha256 and not (folder / stage1.SIDECAR).is_file():
            return None
        from_files = not seen.sha256  # then no graph is the one that training saw
        pose = self.load_pose(folder, any_graph=from_files)
        if self.recipe.body not in (pose.skeleton, OPENPOSE18):
            raise ValueError(
                f"{folder}: the classifier sees joints of {self.recipe.body.name!r}, which stage "
                f"1's {pose.skeleton.name!r} cannot become. Train with sequence.skeleton "
                "'openpose18', or with poses of this stage 1."
            )
        return pose

    def _of_poses(self, path: Path, *, every: int, per_window: bool, smooth: float) -> VideoResult:
        """Returns the answers about all people in a pose file."""
        try:
            people, notes = pose_files.see_people(path, self.form, every=every)
        except (ValueError, ImportError) as error:
            return VideoResult(path, [Result(path, str(error))])
        rows = []
        for seen in people:
            if seen.track is None:
                rows.append(Result(seen.watched.source))
                continue
            rows += self._rows(seen.watched, seen.track, per_window=per_window, smooth=smooth)
        rows = [
            replace(row, note="; ".join(filter(None, (row.note, *notes))) or None) for row in rows
        ]
        return VideoResult(path, rows, [seen.track for seen in people if seen.track])

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
        found = self._classify(cut, range(len(cut.begins)))
        if not len(found):
            return [replace(row, note=_UNSURE)]
        if not per_window:
            row = self._doubted(replace(row, note=_padding(cut)), max(seen))
            return [self._named(row, self._together(found))]
        mean, rows = smoothing.TrailingMean(smooth), []
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

    def _classify(self, cut: Prepared, windows: Sequence[int]) -> np.ndarray:
        """Returns `(windows, classes)` float32 probabilities."""
        found = [np.zeros((0, len(self.classes)), np.float32)]
        for start in range(0, len(windows), _BATCH):
            tensors = np.stack([cut.tensor(w) for w in windows[start : start + _BATCH]])
            if self.linear:
                found.append(self.linear(self.classifier.embed(tensors)))
            else:
                found.append(self.classifier(tensors))
        return np.concatenate(found)

    def _named(self, row: Result, shares: np.ndarray) -> Result:
        ranking = rank(shares, self.classes)
        return replace(row, probabilities=shares, ranking=ranking, classes=self.classes)


def _padding(cut: Prepared) -> str | None:
    """Returns the note on a person who was seen for less than a window."""
    frames = cut.recipe.frames
    return (
        f"padded: seen for {len(cut.rows)} of {frames} frames" if len(cut.rows) < frames else None
    )


def _place(watched: VideoTracks, track: Track, first: int, last: int) -> dict:
    """Returns where and when a person was between two frames, as columns of a row."""
    there = (track.frames >= first) & (track.frames <= last)
    at = np.searchsorted(watched.frames, first)
    boxes = track.boxes[there] if there.any() else track.boxes
    return {
        "box": boxes.mean(axis=0, dtype=np.float32),
        "frame": int(first),
        "seconds": float(watched.times[at]),
        "last_frame": int(last),
    }


def _asked(options: OutputOptions) -> dict[str, Any]:
    """Returns the options of `ClipPredictor.answers`."""
    return {
        "every": options.every,
        "smooth": options.smooth,
        "per_window": options.per_window,
    }
