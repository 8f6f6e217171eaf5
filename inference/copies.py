"""Drawings that are annotated copies alone; a kind of model says what is painted into them."""

from contextlib import ExitStack
from typing import Any, Self

from pose_activity.inference import overlay
from pose_activity.inference.annotated_media import AnnotatedOutput, Painter
from pose_activity.inference.options import OutputOptions
from pose_activity.inference.results import FrameResult


class Copies:
    """Copies of images and videos; see `inference.predictor.Drawings`."""

    def __init__(self, painter: Painter, options: OutputOptions) -> None:
        """Takes what is asked for.

        Args:
            painter: Paints the answers.
            options: What is to be drawn, and where.
        """
        self._painter, self._options = painter, options
        self._held = ExitStack()

    def paint(self, answer: FrameResult) -> Any:
        """Draws what needs the pixels."""
        if self._options.hide_faces:
            answer = overlay.without_faces(answer)
        return self._copies.paint(answer)

    def add(self, answer: FrameResult) -> list[str]:
        """Takes an answer, with what `paint` made."""
        undrawn = self._copies.add(answer)
        return [undrawn] if undrawn else []

    def close(self) -> list[str]:
        """Finishes the last video."""
        undrawn = self._copies.close()
        return [undrawn] if undrawn else []

    def __enter__(self) -> Self:
        options = self._options
        copies = AnnotatedOutput(
            options.draw, self._painter, every=options.every, video=options.video
        )
        self._copies = self._held.enter_context(copies)
        return self

    def __exit__(self, *raised: object) -> None:
        self._held.__exit__(*raised)  # type: ignore[arg-type]
