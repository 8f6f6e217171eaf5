"""A camera's frames named one by one, steadied by the mean of the last moments."""

import numpy as np

from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.inference.live import SOURCE, CannotBeLive, LiveAnswer
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.smoothing import TrailingMean, smooth_row


class Live:
    """See `inference.live.LiveSession`."""

    def __init__(self, predictor: PicturePredictor, *, smooth: float = 1.0) -> None:
        """Begins.

        Args:
            predictor: Is shared: many may watch with one model.
            smooth: Seconds whose mean the answer is; nobody knows who of two people is who from
                frame to frame, so where each person has a row it is that frame's alone.
        """
        self._predictor = predictor
        self._mean = None if predictor.recipe.one_by_one else TrailingMean(smooth)
        self._number = 0

    def see(self, seen: np.ndarray | Poses, seconds: float) -> LiveAnswer:
        """Answers one frame; see `LiveSession`."""
        if isinstance(seen, Poses):
            raise CannotBeLive(
                "This model names pictures and needs their pixels; poses were sent. Send frames."
            )
        answer = self._predictor.answer(Frame(SOURCE, lambda: seen, self._number, seconds))
        self._number += 1
        rows, classes = answer.rows, self._predictor.classes
        if self._mean:
            rows = [smooth_row(row, self._mean, classes) for row in rows]
        return LiveAnswer(rows, rows[0].poses)
