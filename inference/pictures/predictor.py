"""Frames in, rows out: both graphs, no torch, no tensorflow.

Each worker takes one picture through everything, with graphs that use one thread a call: decoding,
drawing and writing of one picture hide behind the graphs of the others, and an answer is the same
bits alone, among others, and on any number of threads. Training builds its tensors with the same
`cache.planes.make`, from the same `Poses`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.images import ImageError, holds_several
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.artifacts.ordered import in_order
from pose_activity.cache.planes import PoseModelId, make
from pose_activity.inference.finished import check_model
from pose_activity.inference.package import open_model
from pose_activity.inference.precision_records import Precision, require
from pose_activity.inference.results import FIRST_ONLY, FrameResult, Result, check_unknown, rank
from pose_activity.runtime.graph import cpu_count
from pose_activity.stage1_pose import predict as stage1
from pose_activity.stage2_classifier import predict as stage2


class PicturePredictor:
    """Both stages of a finished run.

    Attributes:
        classes: Activities in the order of the probabilities.
        recipe: What the classifier sees.
        engine: That runs the graphs: "openvino" or "onnxruntime".
        precision: Of both stages.
        threads: Pictures that are worked on side by side.
        unknown_below: Probability below which answers are called `UNKNOWN`; 0: none is.
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
        unchecked: bool = False,
    ) -> None:
        """Loads the two graphs.

        Args:
            run: A run folder with finished stages, or a packaged model.
            engine: "auto", "onnxruntime" or "openvino".
            precision: Of both stages, one of `runtime.graph.PRECISIONS`; or stage 1's / stage 2's,
                as in "f32/int8".
            threads: Pictures that are worked on side by side; None: one a CPU.
            unknown_below: Probability below which answers are called `UNKNOWN`, 0 for never; None
                takes what was fitted on the run's validation images, if anything was.
            unchecked: Whether a precision is taken that nobody compared with f32.

        Raises:
            FileNotFoundError: no model is there, or it is not finished.
            ValueError: a file was altered, or the classifier was trained on another pose graph's
                answers; or see `inference.finished.check_model`.
            PrecisionError: the precision changes the answers too much, or nobody knows.
        """
        check_unknown(unknown_below)
        folders = open_model(run)
        self.threads = cpu_count() if threads is None else threads
        self.precision = Precision.parse(precision)
        options = {"engine": engine, "threads": self.threads, "streams": self.threads}
        self.classifier = stage2.load(folders.stage2, precision=self.precision.stage2, **options)
        self.recipe, self.classes = self.classifier.recipe, self.classifier.classes
        self.notes = check_model(run, self.recipe, packaged=folders.packaged)
        self.engine = self.classifier.graph.engine
        fitted = self.classifier.unknown_below or 0.0
        self.unknown_below = fitted if unknown_below is None else unknown_below
        self.pose = None
        if self.recipe.needs_poses:
            self.pose = load_pose(
                folders.stage1, self.recipe.pose, precision=self.precision.stage1, **options
            )
        if not unchecked:
            require(run, self.precision, engine=self.engine, graphs=self.graphs)

    @property
    def graphs(self) -> dict[str, str]:
        """Stage -> sha256 of its f32 graph."""
        found = {"stage2": self.classifier.sha256}
        return found if self.pose is None else {"stage1": self.pose.sha256, **found}

    def answers(
        self, frames: Iterable[Frame], *, then: Callable[[FrameResult], Any] | None = None
    ) -> Iterator[FrameResult]:
        """Yields an answer per frame, in order; unreadable ones carry their error.

        Frames are taken only as fast as answers are; memory does not grow with their number.

        Args:
            frames: Pictures, or frames of videos.
            then: Called with each answer and its pixels, in the worker's thread; for what is to
                hide behind the graphs, such as drawing.
        """

        def work(frame: Frame) -> FrameResult:
            answer = self.answer(frame)
            made = then(answer) if then else None
            return FrameResult(frame, answer.rows, made=made)

        yield from in_order(work, frames, workers=self.threads)

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
        return FrameResult(frame, rows, pixels)

    def _people(self, poses: Poses | None) -> Sequence[int | None]:
        """Returns whom to ask about: everybody one by one, or the whole picture (None)."""
        if poses is None or not self.recipe.one_by_one:
            return [None]
        return range(len(poses.boxes))

    def _row(
        self, frame: Frame, pixels: np.ndarray, poses: Poses | None, person: int | None
    ) -> Result:
        planes = make(pixels, poses, self.recipe, person)
        probabilities = self.classifier(planes[None])[0]
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
        )


def load_pose(
    folder: Path, seen: PoseModelId, *, any_graph: bool = False, **options: Any
) -> stage1.PosePredictor:
    """Loads the stage 1 whose poses a classifier was trained on.

    Args:
        folder: Of the pose graph.
        seen: Whose poses.
        any_graph: Whether those of another graph will do.
        **options: Precision, engine, threads and streams, as for `stage1_pose.predict.load`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or another one.
    """
    pose = stage1.load(
        folder,
        confidence=seen.confidence,
        iou=seen.iou,
        max_people=seen.max_people,
        **options,
    )
    if not any_graph and (pose.sha256, pose.size) != (seen.sha256, seen.size):
        raise ValueError(
            f"{folder}: the classifier was trained on poses of graph {seen.sha256[:12]} at "
            f"{seen.size} px, but pose.onnx is {pose.sha256[:12]} at {pose.size} px. Run the steps "
            "cache and stage2 of train.py again."
        )
    return pose
