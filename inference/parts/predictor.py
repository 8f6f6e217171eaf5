"""Frames in, body parts out: a parts network, and stage 1 where the model has it.

Each worker takes one picture through everything, as in `inference.pictures.predictor`. Training
makes its tensors with the same `cache.parts.make_input`. Where the model has a stage 1, each person
whom it finds has a row; without one a picture has one row, since people who touch are one
silhouette, and one person behind a chair is two.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.images import ImageError, holds_several
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.cache.parts import PartsRecipe, make_input, to_image
from pose_activity.inference.frame_predictor import FramePredictor
from pose_activity.inference.options import (
    NO_FACES,
    NO_HEATMAPS,
    NO_TRACKS,
    OptionError,
    OutputOptions,
)
from pose_activity.inference.parts.agreement import compare
from pose_activity.inference.parts.rows import PartsResult, columns_of_parts, rows_of
from pose_activity.inference.precision_records import require
from pose_activity.inference.predictor import TwoStagePredictor
from pose_activity.inference.results import FIRST_ONLY, Columns, FrameResult
from pose_activity.stage1_parts import predict as network
from pose_activity.stage1_pose import predict as stage1

_NOT_ASKED = {
    "gallery": "a gallery is sorted by activity, and this model names none: draw instead.",
    "explain": "the drawing shows already where each part was seen.",
    "smooth": "masks of a moving picture are not averaged.",
    "per_window": "windows are for models of clips.",
    "tracks": NO_TRACKS,
}


class PartsPredictor(FramePredictor, TwoStagePredictor):
    """A network of body parts, and stage 1 where there is one; see `TwoStagePredictor`.

    Attributes:
        scheme: The classes of its masks.
    """

    counted = "found"
    classifier: network.PartsNetwork
    recipe: PartsRecipe

    def __init__(
        self,
        run: Path,
        *,
        engine: str = "auto",
        precision: str = "f32",
        threads: int | None = None,
        unchecked: bool = False,
    ) -> None:
        """Loads the graphs.

        Args:
            run: A finished run, or a packaged model.
            engine: "auto", "onnxruntime" or "openvino".
            precision: See `inference.pictures.predictor.PicturePredictor`.
            threads: Images that are worked on side by side; None: one per CPU.
            unchecked: Whether a precision is taken that nobody compared with f32.

        Raises:
            FileNotFoundError: no model is there, or it is not finished.
            ValueError: a file was altered, or see `inference.model_check.check_model`.
            PrecisionError: the precision changes the answers too much, or nobody knows.
        """
        super().__init__(
            run,
            network.load,
            engine=engine,
            precision=precision,
            threads=threads,
            unknown_below=None,
        )
        self.scheme = self.recipe.scheme
        if self.recipe.needs_poses:
            self.pose = self.load_pose(self.folders.stage1)
        elif (self.folders.stage1 / stage1.GRAPH).is_file():
            self.pose = stage1.load(
                self.folders.stage1, precision=self.precision.stage1, **self._runtime
            )
        if not unchecked:
            require(run, self.precision, engine=self.engine, graphs=self.graphs, twins=self.twins)

    @property
    def calibration(self) -> dict[str, Any]:
        """What decides how sure an answer is, and which one it is."""
        network = self.classifier
        return {"temperature": network.temperature, "weights": network.weights.tolist()}

    @property
    def warnings(self) -> list[str]:
        """Nothing: a mask says where it sees nobody."""
        return []

    def check(self, options: OutputOptions, named: Sequence[Path]) -> None:
        """Refuses what needs a classifier, and what needs joints where there is no stage 1."""
        for name, why in _NOT_ASKED.items():
            if getattr(options, name):
                raise OptionError(name, f"{why} Leave it out.")
        if options.heatmaps:
            raise OptionError("heatmaps", NO_HEATMAPS)
        if options.hide_faces and self.pose is None:
            raise OptionError("hide_faces", NO_FACES)

    def unit(self, options: OutputOptions) -> str:
        """Returns "people" where each has a row."""
        return "people" if self.pose else "images"

    def columns(self, options: OutputOptions, named: Sequence[Path]) -> Columns:
        """Returns the columns, one for each part."""
        return columns_of_parts(self.scheme)

    def answer(self, frame: Frame) -> FrameResult:
        """Answers one frame, in the calling thread."""
        place = {"frame": frame.number, "seconds": frame.seconds}
        try:
            pixels = frame.load()
        except ImageError as error:
            failed = PartsResult(frame.source, self.scheme, error=str(error), **place)
            return FrameResult(frame, [failed])
        poses = self.pose([pixels], [frame.source])[0] if self.pose else None
        mask, confidence = self.mask_of(pixels, poses)
        rows = rows_of(frame.source, mask, confidence, self.scheme, poses, **place)
        several = frame.is_file and holds_several(frame.source)
        notes = (f"{frame.source}: {FIRST_ONLY}",) if several else ()
        return FrameResult(frame, rows, pixels, notes=notes)

    def mask_of(self, pixels: np.ndarray, poses: Poses | None) -> tuple[np.ndarray, np.ndarray]:
        """Finds the parts in one picture.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
            poses: What stage 1 found in it; only a model with a plane of poses looks at them.

        Returns:
            `(H, W)` uint8 class numbers, and `(H, W)` float32 their probabilities.
        """
        x = make_input(pixels, poses, self.recipe)
        probabilities = self.classifier(x[None])[0]
        size_wh = (pixels.shape[1], pixels.shape[0])
        return to_image(probabilities, size_wh, self.recipe, self.classifier.weights)

    def compare_joints(self, pixels: np.ndarray, poses: Poses) -> tuple[int, int]:
        """Counts joints that do not lie on their part; see `agreement.compare`.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
            poses: Whose joints, in its pixels.
        """
        return compare(self.mask_of(pixels, poses)[0], self.scheme, poses)
