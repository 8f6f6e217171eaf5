"""Drawings of poses: copies with boxes and skeletons, with the joints' heatmaps beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations.drawing import draw_poses
from pose_activity.inference.copies import Copies
from pose_activity.inference.options import OutputOptions
from pose_activity.inference.poses.predictor import PoseResult, PosesPredictor
from pose_activity.stage1_pose.estimate import draw_estimate, maps_of

_SEEN = 0.25  # joints of a lower confidence would only clutter a drawing
_LONGEST = 1600  # pixels a side of a drawing with heatmaps: there is one for each joint


class Drawings(Copies):
    """Copies of images and videos; see `inference.predictor.Drawings`."""

    def __init__(
        self, predictor: PosesPredictor, sources: Sequence[Path], options: OutputOptions
    ) -> None:
        """Takes what is asked for.

        Args:
            predictor: Whose answers are drawn.
            sources: What it is asked about.
            options: What is to be drawn, and where.
        """
        super().__init__(PosePainter(options.heatmaps), options)


@dataclass(frozen=True)
class PosePainter:
    """Paints boxes and skeletons.

    Attributes:
        heatmaps: Whether to add the joints' maps; then a large image becomes smaller.
    """

    heatmaps: bool

    def paint(self, pixels: np.ndarray, rows: Sequence[PoseResult]) -> np.ndarray:
        """Returns the image with the people in it."""
        poses = rows[0].poses
        if poses is None:
            return pixels.copy()
        if not self.heatmaps:
            people = (poses.skeleton, poses.keypoints, poses.boxes)
            return draw_poses(pixels, *people, threshold=_SEEN)
        scale = min(1.0, _LONGEST / max(poses.size))
        if scale < 1:
            size = tuple(max(1, round(side * scale)) for side in poses.size)
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
            factors = np.array([scale, scale, 1], np.float32)
            poses = replace(
                poses,
                size=size,
                boxes=poses.boxes * np.float32(scale),
                keypoints=poses.keypoints * factors,
            )
        return draw_estimate(pixels, poses, maps_of(poses))

    def finish(self, image: np.ndarray, rows: Sequence[PoseResult]) -> np.ndarray:
        """Returns the image: all is painted already."""
        return image
