"""What predictors of images share: frames go one by one through the threads, in order."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pose_activity.annotations.videos import Frame
from pose_activity.artifacts.ordered import in_order
from pose_activity.inference import sources
from pose_activity.inference.options import OutputOptions, Session
from pose_activity.inference.predictor import Predictor
from pose_activity.inference.results import FrameResult


class FramePredictor(Predictor):
    """A predictor that answers each image, and each frame of a video, by itself."""

    takes = "pictures"

    @staticmethod
    def find_sources(names: Sequence[str], on_note: Callable[[str], None]) -> list[Path]:
        """Returns images, videos and cameras."""
        return sources.find_sources(names, on_note=on_note)

    @abstractmethod
    def answer(self, frame: Frame) -> FrameResult:
        """Answers one frame, in the calling thread."""

    def settings(self, options: OutputOptions) -> dict[str, Any]:
        """Returns how videos are gone through."""
        return {"every": options.every}

    def predict(
        self, named: Sequence[Path], options: OutputOptions, session: Session
    ) -> Iterator[FrameResult]:
        """Yields an answer per image and per frame of a video."""

        def answers(frames: Iterable[Frame]) -> Iterator[FrameResult]:
            return self.answers(frames, then=session.paint)

        whole = options.draw is not None
        yield from sources.go_through(named, answers, session, every=options.every, whole=whole)

    def answer_values(self, values: Sequence[Any]) -> Iterator[FrameResult]:
        """Yields an answer per path or `(H, W, 3)` uint8 RGB array."""
        yield from self.answers(map(sources.frame_of, values))

    def answers(
        self, frames: Iterable[Frame], *, then: Callable[[FrameResult], Any] | None = None
    ) -> Iterator[FrameResult]:
        """Yields an answer per frame, in order; unreadable ones carry their error.

        Frames are taken only as fast as answers are; memory does not grow with their number.

        Args:
            frames: Images, or frames of videos.
            then: Called with each answer and its pixels, in the worker's thread; for what is to
                hide behind the graphs, such as drawing.
        """

        def work(frame: Frame) -> FrameResult:
            answer = self.answer(frame)
            made = then(answer) if then else None
            return replace(answer, pixels=None, made=made)

        yield from in_order(work, frames, workers=self.threads, pool=self.pool)
