"""The task of a model of motion: rows for the people of each video."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from pose_activity.annotations import videos
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.inference.clips.draw import draw_video
from pose_activity.inference.clips.predictor import ClipPredictor, VideoResult
from pose_activity.inference.drawing_folder import drawing_in
from pose_activity.inference.interrupt import GracefulInterrupt
from pose_activity.inference.results import Result
from pose_activity.inference.table import Table
from pose_activity.inference.tasks import OutputOptions

_SEEN = 0.25  # joints of a lower confidence would only clutter a drawing


class ClipTask:
    """Names each person in a video by how they move; see `Task`."""

    def __init__(
        self, run: Path, named: Sequence[Path], wishes: OutputOptions, **options: Any
    ) -> None:
        """Loads the model; see `open_task`."""
        for wish, wanted in (("--gallery", wishes.gallery), ("--explain", wishes.explain)):
            if wanted:
                raise ValueError(
                    f"{wish} shows pictures, and this model names people by how they move: leave "
                    "it out. --draw DIR writes the videos with everybody's number and name."
                )
        cameras = [str(source) for source in named if videos.is_camera(source)]
        if cameras:
            raise ValueError(
                "This model names people when their video has ended, and a camera's does not: "
                f"record it first. Received: {', '.join(cameras)}"
            )
        self.pipeline = ClipPredictor(run, **options)
        self._asked = {name: asdict(wishes)[name] for name in ("every", "smooth", "per_window")}
        self.pipeline.check(**self._asked)
        self._named, self._wishes = named, wishes
        self._held = ExitStack()
        self.unit = "windows" if wishes.per_window else "people"
        self.columns: dict[str, Any] = {
            "classes": self.pipeline.classes,
            "by_person": True,
            "of_video": True,
            "of_motion": True,
        }
        linear = self.pipeline.linear_sha256
        self.options: dict[str, Any] = {
            **self._asked,
            "tracking": self.pipeline.tracking,
            "linear": linear,
            "pose_files": asdict(self.pipeline.form),
            "window_unknown_below": self.pipeline.window_unknown_below,
            "least_seen": self.pipeline.least_seen,
        }

    def __enter__(self) -> "ClipTask":
        if self._wishes.draw:
            self._held.enter_context(drawing_in(self._wishes.draw))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Lets go of the folder; each drawing was whole, or removed, before its rows were given."""
        self._held.close()

    def answers(
        self, table: Table, stop: GracefulInterrupt, show: ProgressCallback
    ) -> Iterator[tuple[list[Result], list[str]]]:
        """Yields the rows of each video; see `Task`."""
        todo = [source for source in self._named if not table.has(source, None)]
        for done, source in enumerate(stop.until(todo)):

            def tell(frame: int, frames: int, name: str, done: int = done) -> None:
                show(done, len(todo), f"{name}, frame {frame} of {frames or '?'}")

            (answer,) = self.pipeline.answers([source], on_progress=tell, **self._asked)
            failed = self._draw(answer, tell)
            yield answer.rows, [failed] if failed else []
            show(done + 1, len(todo), source.name)

    def _draw(self, answer: VideoResult, show: ProgressCallback) -> str | None:
        # Before the rows are written: what a table has is drawn, so --resume loses nothing.
        if self._wishes.draw is None or not videos.is_video(answer.source):
            return None
        return draw_video(
            answer,
            self._wishes.draw,
            threshold=max(_SEEN, self.pipeline.recipe.min_confidence),
            every=self._wishes.every,
            on_progress=show,
        )
