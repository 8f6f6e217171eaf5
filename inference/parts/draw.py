"""Drawings of body parts: coloured copies of images and videos, and masks of class numbers.

Beside the copy NAME.jpg of an image is NAME.png: one channel of uint8, the class number of each
pixel. A video becomes a coloured copy alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose_activity.annotations.drawing import draw_poses
from pose_activity.annotations.drawing_mark import mark
from pose_activity.artifacts.atomic import write_bytes
from pose_activity.inference.annotated_media import drawing_name
from pose_activity.inference.copies import Copies
from pose_activity.inference.options import OutputOptions
from pose_activity.inference.parts.paint import paint_legend, paint_over
from pose_activity.inference.parts.predictor import PartsPredictor
from pose_activity.inference.parts.rows import PartsResult
from pose_activity.inference.results import FrameResult

_HIDDEN = 1.1  # no joint is that sure: boxes alone are drawn


class Drawings(Copies):
    """Copies of images and videos, and masks; see `inference.predictor.Drawings`."""

    def __init__(
        self, predictor: PartsPredictor, sources: Sequence[Path], options: OutputOptions
    ) -> None:
        """Takes what is asked for.

        Args:
            predictor: Whose answers are drawn.
            sources: What it is asked about.
            options: What is to be drawn, and where.
        """
        super().__init__(PartsPainter(), options)

    def paint(self, answer: FrameResult) -> Any:
        """Draws what needs the pixels."""
        row = answer.rows[0]
        folder = self._options.draw
        if folder and answer.frame.number is None and row.mask is not None:
            try:
                data = mark(cv2.imencode(".png", row.mask)[1].tobytes())
                write_bytes(folder / f"{drawing_name(row.image)}.png", data)
            except OSError as error:
                return f"{row.image}: {error}"
        return super().paint(answer)


class PartsPainter:
    """Paints the parts of everybody, boxes with numbers where people were looked for, a legend."""

    def paint(self, pixels: np.ndarray, rows: Sequence[PartsResult]) -> np.ndarray:
        """Returns the image with the parts in colours."""
        first = rows[0]
        if first.mask is None:
            return pixels.copy()
        image = paint_over(pixels, first.mask, first.scheme)
        if first.poses is not None:
            people = first.poses
            labels = [str(person) for person in range(len(people.boxes))]
            image = draw_poses(
                image, people.skeleton, people.keypoints, people.boxes, labels, threshold=_HIDDEN
            )
        return paint_legend(image, first.mask, first.scheme)

    def finish(self, image: np.ndarray, rows: Sequence[PartsResult]) -> np.ndarray:
        """Returns the image: all is painted already."""
        return image
