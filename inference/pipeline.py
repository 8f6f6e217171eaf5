"""Frames in, rows out: both graphs, no torch, no tensorflow.

Each worker takes one picture through everything, with graphs that use one thread a call: decoding,
drawing and writing of one picture hide behind the graphs of the others, and an answer is the same
bits alone, among others, and on any number of threads. Training builds its tensors with the same
`cache.planes.make`, from the same `Poses`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from annotations.images import ImageError, holds_several, load_rgb
from annotations.types import Poses
from cache.planes import PoseSource, make
from inference.finished import check_model
from inference.package import open_model
from inference.precision import Precision, require
from runtime.graph import cpu_count
from stage1_pose import predict as stage1
from stage2_classifier import predict as stage2

TOP = 3
FIRST_ONLY = "the file holds several pictures: the answer is about the first"
UNKNOWN = "unknown"  # what an answer is called that is too improbable
AHEAD = 4  # pictures per worker that are under way or done before their turn


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture that is still to be read: a file, or one frame of a video.

    Attributes:
        source: The picture's or the video's path.
        load: Returns `(H, W, 3)` uint8 RGB; raises `ImageError`. Called once, in some thread.
        number: Of the frame in its video, from 0; None for a picture.
        seconds: From the video's beginning; None for a picture.
        is_file: Whether the source is a picture's file.
    """

    source: Path
    load: Callable[[], np.ndarray]
    number: int | None = None
    seconds: float | None = None
    is_file: bool = False

    @classmethod
    def of_picture(cls, path: Path) -> "Frame":
        """Builds the frame of a picture file."""
        return cls(path, lambda: load_rgb(path), is_file=True)


@dataclass(frozen=True, eq=False)
class Row:
    """The answer for one picture, or for one person in it.

    Attributes:
        image: The picture or video.
        error: Why there is no answer; None when there is one.
        probabilities: `(classes,)` float32 that sum to 1; None without an answer.
        poses: Who was found in the picture; None on error, or where no plane needs poses.
        ranking: The `TOP` most probable (activity, probability), falling; empty without an answer.
        person: Whom the answer is about, an index into `poses`; None: the whole picture.
        box: `(4,)` float32 xyxy pixels, that person's box; None for the whole picture.
        frame: Number of the frame in a video, from 0; None for a picture.
        seconds: From the video's beginning; None for a picture.
        unknown_below: Answers of a smaller probability are called `UNKNOWN`; 0: none is; infinite:
            each is, for another reason than its probability, which `note` says.
        note: What else there is to say of how the answer came about, or None.
    """

    image: Path
    error: str | None = None
    probabilities: np.ndarray | None = None
    poses: Poses | None = None
    ranking: tuple[tuple[str, float], ...] = ()
    person: int | None = None
    box: np.ndarray | None = None
    frame: int | None = None
    seconds: float | None = None
    unknown_below: float = 0.0
    note: str | None = None

    @property
    def activity(self) -> str | None:
        """What to call it: the most probable activity, or `UNKNOWN`; None without an answer.

        `ranking` says in both cases what it would be.
        """
        if not self.ranking:
            return None
        name, probability = self.ranking[0]
        return UNKNOWN if probability < self.unknown_below else name

    @property
    def status(self) -> Literal["ok", "nobody", "error"]:
        """Whether there is an answer; "nobody": each person was to be named, and there is none."""
        if self.error is not None:
            return "error"
        return "ok" if self.ranking else "nobody"


@dataclass(frozen=True, eq=False)
class Answer:
    """What the pipeline says about one frame.

    Attributes:
        frame: The frame.
        rows: One, or for people "each" one per person in the order of `Poses`.
        pixels: `(H, W, 3)` uint8 RGB; None where the frame could not be read, and once it was
            handed on.
        made: What `then` made of it.
    """

    frame: Frame
    rows: list[Row]
    pixels: np.ndarray | None = None
    made: Any = None


class Pipeline:
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
        self, frames: Iterable[Frame], *, then: Callable[[Answer], Any] | None = None
    ) -> Iterator[Answer]:
        """Yields an answer per frame, in order; unreadable ones carry their error.

        Frames are taken only as fast as answers are; memory does not grow with their number.

        Args:
            frames: Pictures, or frames of videos.
            then: Called with each answer and its pixels, in the worker's thread; for what is to
                hide behind the graphs, such as drawing.
        """

        def work(frame: Frame) -> Answer:
            answer = self.answer(frame)
            made = then(answer) if then else None
            return Answer(frame, answer.rows, made=made)

        yield from in_order(work, frames, workers=self.threads)

    def answer(self, frame: Frame) -> Answer:
        """Answers one frame, in the calling thread."""
        try:
            pixels = frame.load()
        except ImageError as error:
            row = Row(frame.source, str(error), frame=frame.number, seconds=frame.seconds)
            return Answer(frame, [row])
        poses = self.pose([pixels], [frame.source])[0] if self.pose else None
        rows = [self._row(frame, pixels, poses, person) for person in self._people(poses)]
        if not rows:
            nobody = Row(frame.source, poses=poses, frame=frame.number, seconds=frame.seconds)
            rows = [nobody]
        if frame.is_file and holds_several(frame.source):
            rows = [replace(row, note=FIRST_ONLY) for row in rows]
        return Answer(frame, rows, pixels)

    def _people(self, poses: Poses | None) -> Sequence[int | None]:
        """Returns whom to ask about: everybody one by one, or the whole picture (None)."""
        if poses is None or not self.recipe.one_by_one:
            return [None]
        return range(len(poses.boxes))

    def _row(
        self, frame: Frame, pixels: np.ndarray, poses: Poses | None, person: int | None
    ) -> Row:
        planes = make(pixels, poses, self.recipe, person)
        probabilities = self.classifier(planes[None])[0]
        return Row(
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


def check_unknown(unknown_below: float | None) -> None:
    """Raises ValueError for what is no probability; None is fine."""
    if unknown_below is not None and not 0 <= unknown_below <= 1:
        raise ValueError(f"unknown_below must lie in [0, 1]. Received: {unknown_below}")


def load_pose(
    folder: Path, seen: PoseSource, *, any_graph: bool = False, **options: Any
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


def rank(probabilities: np.ndarray, classes: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Returns the `TOP` most probable (activity, probability), falling; ties by class order."""
    best = np.argsort(-probabilities, kind="stable")[:TOP]
    return tuple((classes[i], float(probabilities[i])) for i in best)


def in_order(work: Callable[[Any], Any], items: Iterable[Any], *, workers: int) -> Iterator[Any]:
    """Yields `work(item)` for each item, in order, from some threads.

    Items are taken when there is room, in the caller's thread: at most `AHEAD` per worker.
    """
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
