"""The task of a model of pictures: a row for each of them, and for each frame of a video."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from pose_activity.annotations import videos
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.inference import smoothing, sources
from pose_activity.inference.annotated_media import AnnotatedOutput
from pose_activity.inference.gallery import Gallery
from pose_activity.inference.interrupt import GracefulInterrupt
from pose_activity.inference.pictures.explain import Explanations
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import Result
from pose_activity.inference.table import Table
from pose_activity.inference.tasks import OutputOptions


class PictureTask:
    """Names the activity in each picture, and in each frame of a video; see `Task`."""

    def __init__(
        self, run: Path, named: Sequence[Path], wishes: OutputOptions, **options: Any
    ) -> None:
        """Loads the model; see `open_task`."""
        if wishes.per_window:
            raise ValueError(
                "--per-window is for models that name people by how they move, and this one names "
                "pictures: each frame of a video has a row. Leave it out."
            )
        self.pipeline = PicturePredictor(run, **options)
        by_person = self.pipeline.recipe.one_by_one
        smoothing.check(wishes.smooth, by_person=by_person)
        self._explanations = Explanations(self.pipeline, named, wishes.draw, wanted=wishes.explain)
        self._named, self._wishes = named, wishes
        self.unit = "people" if by_person else "pictures"
        self.columns: dict[str, Any] = {
            "classes": self.pipeline.classes,
            "joints": self.pipeline.pose.skeleton.joints if self.pipeline.pose else (),
            "by_person": by_person,
            "of_video": any(map(videos.is_video, named)),
        }
        self.options: dict[str, Any] = {"every": wishes.every, "smooth": wishes.smooth}

    def __enter__(self) -> "PictureTask":
        wishes, recipe = self._wishes, self.pipeline.recipe
        threshold = recipe.heatmap.min_confidence
        with ExitStack() as stack:
            drawings = AnnotatedOutput(wishes.draw, threshold=threshold, every=wishes.every)
            self._drawings = stack.enter_context(drawings)
            self._pictures = (
                self._drawings,
                stack.enter_context(Gallery(wishes.gallery, recipe)),
                self._explanations,
            )
            self._opened = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def answers(
        self, table: Table, stop: GracefulInterrupt, show: ProgressCallback
    ) -> Iterator[tuple[list[Result], list[str]]]:
        """Yields the rows of each frame; see `Task`."""
        every, smooth = self._wishes.every, self._wishes.smooth
        whole = self._wishes.draw or smooth
        skip = sources.unless_whole(table.has, every=every) if whole else table.has
        total = sources.count(self._named, every=every, skip=skip)
        frames = stop.until(sources.frames(self._named, every=every, skip=skip))
        pictures = self._pictures
        raw = self.pipeline.answers(
            frames, then=lambda answer: [one.paint(answer) for one in pictures]
        )
        steady = smoothing.smooth(raw, window=smooth, classes=self.pipeline.classes)
        for done, answer in enumerate(steady, 1):
            yield answer.rows, [f"{row.image}: {row.note}" for row in answer.rows[:1] if row.note]
            drawn = [
                one.add(replace(answer, made=made))
                for one, made in zip(pictures, answer.made, strict=True)
            ]
            yield [], [message for message in drawn if message]
            show(done, total, answer.frame.source.name)
        if failed := self._drawings.close():  # the last video
            yield [], [failed]
