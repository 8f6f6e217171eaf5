"""Frames in, rows out: both graphs, no torch, no tensorflow.

Each worker takes one picture through everything, with graphs that use one thread a call: decoding,
drawing and writing of one picture hide behind the graphs of the others, and an answer is the same
bits alone, among others, and on any number of threads. Training builds its tensors with the same
`cache.planes.make_arrays`, from the same `Poses`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.images import ImageError, holds_several
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.cache.planes import Recipe, make_arrays
from pose_activity.cache.record import Arrays, stack
from pose_activity.inference import smoothing, sources
from pose_activity.inference.frame_predictor import FramePredictor
from pose_activity.inference.options import (
    NO_HEATMAPS,
    NO_TRACKS,
    OptionError,
    OutputOptions,
    Session,
)
from pose_activity.inference.precision_records import require
from pose_activity.inference.predictor import TwoStagePredictor
from pose_activity.inference.results import (
    FIRST_ONLY,
    PERSON_COLUMNS,
    VIDEO_COLUMNS,
    Columns,
    FrameResult,
    Result,
    columns_of_answers,
    rank,
)
from pose_activity.stage1_parts import maps
from pose_activity.stage1_parts import predict as parts
from pose_activity.stage2_classifier import predict as stage2


class PicturePredictor(FramePredictor, TwoStagePredictor):
    """Both stages of a finished run on images; see `TwoStagePredictor`."""

    classifier: stage2.Classifier
    recipe: Recipe

    def __init__(
        self,
        run: Path,
        *,
        engine: str = "auto",
        precision: str = "f32",
        threads: int | None = None,
        unknown_below: float | None = None,
        unchecked: bool = False,
    ) -> None:
        """Loads the two graphs; arguments and errors are those of `TwoStagePredictor`.

        With `unchecked` a precision is taken that nobody compared with f32.
        """
        super().__init__(
            run,
            stage2.load,
            engine=engine,
            precision=precision,
            threads=threads,
            unknown_below=unknown_below,
        )
        fitted = self.classifier.unknown_below or 0.0
        self.unknown_below = fitted if unknown_below is None else unknown_below
        if self.recipe.needs_poses:
            self.pose = self.load_pose(self.folders.stage1)
        self.parts = self._load_parts() if self.recipe.needs_parts else None
        if not unchecked:
            require(run, self.precision, engine=self.engine, graphs=self.graphs, twins=self.twins)

    def _load_parts(self) -> parts.PartsNetwork:
        """Loads the network whose parts the classifier was trained on."""
        network = parts.load(self.folders.stage1, **self._runtime)
        if network.sha256 != self.recipe.parts:
            raise ValueError(
                f"{self.folders.stage1}: the parts network must be the one that the classifier was "
                f"trained with ({self.recipe.parts[:12]}). Received: {network.sha256[:12]}. Make "
                "the steps cache and stage2 again."
            )
        return network

    @staticmethod
    def uses_stage1(stage1_folder: Path, stage2_folder: Path) -> bool:
        """Tells whether the classifier needs poses."""
        return stage2.read_sidecar(stage2_folder)[1].needs_poses

    def check(self, options: OutputOptions, named: Sequence[Path]) -> None:
        """Refuses rows of windows, and smoothing where nobody knows who is who."""
        if options.per_window:
            raise OptionError(
                "per_window",
                "this model names pictures, and windows are for models of clips, which name people "
                "by how they move: each frame of a video has a row. Leave it out.",
            )
        if options.tracks:
            raise OptionError("tracks", NO_TRACKS)
        if options.heatmaps:
            raise OptionError("heatmaps", NO_HEATMAPS)
        smoothing.check(options.smooth)
        if options.smooth and self.recipe.one_by_one:
            raise OptionError(
                "smooth",
                "this model names each person's activity, and nobody knows which person of one "
                "frame is which of the next: leave it out, or take a model of whole pictures. "
                f"Received: {options.smooth:g}",
            )

    def unit(self, options: OutputOptions) -> str:
        """Returns "people" where each has a row."""
        return "people" if self.recipe.one_by_one else "pictures"

    def columns(self, options: OutputOptions, named: Sequence[Path]) -> Columns:
        """Returns the columns, with those of people and of videos where there are any."""
        more = PERSON_COLUMNS if self.recipe.one_by_one else ()
        if any(map(videos.is_video, named)):
            more = (*more, *VIDEO_COLUMNS)
        joints = self.pose.skeleton.joints if self.pose else ()
        return columns_of_answers(self.classes, joints, more)

    def settings(self, options: OutputOptions) -> dict[str, Any]:
        """Returns how videos are gone through."""
        return {"every": options.every, "smooth": options.smooth}

    def predict(
        self, named: Sequence[Path], options: OutputOptions, session: Session
    ) -> Iterator[FrameResult]:
        """Yields an answer per image and per frame of a video."""

        def answers(frames: Iterable[Frame]) -> Iterator[FrameResult]:
            raw = self.answers(frames, then=session.paint)
            return smoothing.smooth(raw, window=options.smooth, classes=self.classes)

        whole = options.draw is not None or options.smooth > 0
        yield from sources.go_through(named, answers, session, every=options.every, whole=whole)

    def answer(self, frame: Frame) -> FrameResult:
        """Answers one frame, in the calling thread."""
        try:
            pixels = frame.load()
        except ImageError as error:
            row = Result(frame.source, str(error), frame=frame.number, seconds=frame.seconds)
            return FrameResult(frame, [row])
        poses = self.pose([pixels], [frame.source])[0] if self.pose else None
        rows = [self._row(frame, pixels, poses, person) for person in self._people(poses)]
        if not rows:
            nobody = Result(frame.source, poses=poses, frame=frame.number, seconds=frame.seconds)
            rows = [nobody]
        if frame.is_file and holds_several(frame.source):
            rows = [replace(row, note=FIRST_ONLY) for row in rows]
            return FrameResult(frame, rows, pixels, notes=(f"{frame.source}: {FIRST_ONLY}",))
        return FrameResult(frame, rows, pixels)

    def arrays_of(self, pixels: np.ndarray, poses: Poses | None, person: int | None) -> Arrays:
        """Returns what the classifier sees of an image, or of a person in it."""
        found = maps.find(self.parts, pixels, poses) if self.parts else None
        return make_arrays(pixels, poses, self.recipe, person, found)

    def _people(self, poses: Poses | None) -> Sequence[int | None]:
        """Returns whom to ask about: everybody one by one, or the whole picture (None)."""
        if poses is None or not self.recipe.one_by_one:
            return [None]
        return range(len(poses.boxes))

    def _row(
        self, frame: Frame, pixels: np.ndarray, poses: Poses | None, person: int | None
    ) -> Result:
        arrays = self.arrays_of(pixels, poses, person)
        probabilities = self.classifier(stack([arrays]))[0]
        return Result(
            image=frame.source,
            probabilities=probabilities,
            poses=poses,
            ranking=rank(probabilities, self.classes),
            person=person,
            box=None if poses is None or person is None else poses.boxes[person],
            frame=frame.number,
            seconds=frame.seconds,
            unknown_below=self.unknown_below,
            classes=self.classes,
        )
