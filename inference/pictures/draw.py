"""Drawings of answers about images: annotated copies, the gallery's cards, explanations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from pose_activity.cache.framing import window
from pose_activity.cache.planes import Recipe, people_seen
from pose_activity.inference import overlay
from pose_activity.inference.copies import Copies
from pose_activity.inference.gallery import Card, Gallery, make_card
from pose_activity.inference.options import NO_FACES, OptionError, OutputOptions
from pose_activity.inference.pictures.explain import Explanations
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import FrameResult, Result


class Drawings(Copies):
    """All that is drawn of an image or of a video's frame; see `inference.predictor.Drawings`."""

    def __init__(
        self, predictor: PicturePredictor, sources: Sequence[Path], options: OutputOptions
    ) -> None:
        """Checks what is asked for.

        Args:
            predictor: Whose answers are drawn.
            sources: What it is asked about.
            options: What is to be drawn, and where.

        Raises:
            OptionError: see `Explanations`; faces, and the model finds nobody or explains.
            OSError: the gallery cannot be written.
        """
        self._recipe = predictor.recipe
        super().__init__(AnswerPainter(self._recipe.heatmap.min_confidence), options)
        if options.hide_faces and predictor.pose is None:
            raise OptionError("hide_faces", NO_FACES)
        if options.hide_faces and options.explain:
            raise OptionError(
                "hide_faces", "explanations show what the classifier saw, faces too. Leave one out."
            )
        self._explanations = Explanations(predictor, sources, options.draw, wanted=options.explain)
        self._gallery = Gallery(options.gallery, predictor.unit(options), link=options.link)

    def paint(self, answer: FrameResult) -> tuple:
        """Draws what needs the pixels."""
        if self._options.hide_faces:
            answer = overlay.without_faces(answer)
        cards = cards_of(answer, self._recipe) if self._gallery.has_room else []
        return self._copies.paint(answer), cards, self._explanations.paint(answer)

    def add(self, answer: FrameResult) -> list[str]:
        """Takes an answer, with what `paint` made."""
        copy, cards, unexplained = answer.made
        self._gallery.add(answer.rows, cards)
        undrawn = super().add(replace(answer, made=copy))
        return [*undrawn, *([unexplained] if unexplained else [])]

    def __enter__(self) -> Self:
        super().__enter__()
        self._held.enter_context(self._gallery)
        return self


@dataclass(frozen=True)
class AnswerPainter:
    """Paints people at once, and the answer about the whole image when it is smoothed.

    Attributes:
        threshold: Joints with a lower confidence are left out.
    """

    threshold: float

    def paint(self, pixels: np.ndarray, rows: Sequence[Result]) -> np.ndarray:
        """Returns the image with the skeletons, and with the answers about single persons."""
        return overlay.paint_people(pixels, rows, threshold=self.threshold)

    def finish(self, image: np.ndarray, rows: Sequence[Result]) -> np.ndarray:
        """Returns the image with the answer about the whole of it, if there is one."""
        first = rows[0]
        return image if first.person is not None else overlay.paint_answer(image, first)


def cards_of(answer: FrameResult, recipe: Recipe) -> list[Card]:
    """Returns a card per row: the whole image, or the person's part of it.

    Args:
        answer: With pixels, if the frame could be read.
        recipe: Says which people the classifier saw, and how much around them.
    """
    if answer.pixels is None:
        return [Card(row) for row in answer.rows]
    return [_card(row, answer.pixels, recipe) for row in answer.rows]


def _card(row: Result, pixels: np.ndarray, recipe: Recipe) -> Card:
    if row.poses is None:
        return make_card(row, pixels)
    start = np.zeros(3)
    chosen: Sequence[int] = []
    if row.person is not None:
        box = row.poses.boxes[row.person]
        x1, y1, x2, y2 = window(box, row.poses.size, recipe.margin)
        pixels, start, chosen = pixels[y1:y2, x1:x2], np.array([x1, y1, 0]), [row.person]
    elif not recipe.one_by_one:
        chosen = people_seen(row.poses, recipe)
    people = [row.poses.keypoints[person] - start for person in chosen]
    threshold = recipe.heatmap.min_confidence
    return make_card(row, pixels, row.poses.skeleton, people, threshold=threshold)
