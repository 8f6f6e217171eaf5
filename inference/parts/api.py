"""A model of body parts as a Python function: a picture in, a `BodyMask` out.

    from pose_activity import load_model
    parts = load_model("model/")
    print(parts("photo.jpg").shares)

The same pipeline as `infer.py`, so the same answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import overload

import numpy as np

from pose_activity.annotations.images import ImageError
from pose_activity.annotations.parts import PartScheme
from pose_activity.annotations.types import Poses
from pose_activity.inference.parts.paint import paint_over
from pose_activity.inference.parts.predictor import PartsPredictor
from pose_activity.inference.parts.rows import PartsResult

Picture = str | PathLike[str] | np.ndarray


@dataclass(frozen=True, eq=False)
class BodyMask:
    """The body parts in one picture.

    Attributes:
        mask: `(H, W)` uint8 class numbers in the picture's pixels; 0 is the background.
        scheme: Names the classes (`scheme.names`), their colours and sides.
        body: Share of the picture that is somebody's body, in [0, 1].
        shares: Part -> share of the body's pixels; they sum to 1, or to 0 without a body.
        confidence: Mean probability of the body's pixels; None without a body.
        poses: Who was found, in pixels; None where the model has no pose model.
        people: One `BodyMask` of the same mask per person in `poses`, in that order, with the
            person's own `body`, `shares` and `confidence`.
    """

    mask: np.ndarray
    scheme: PartScheme
    body: float
    shares: Mapping[str, float]
    confidence: float | None
    poses: Poses | None = None
    people: tuple["BodyMask", ...] = ()

    def paint(self, image: np.ndarray) -> np.ndarray:
        """Returns the picture, `(H, W, 3)` uint8 RGB, with the parts in colours."""
        return paint_over(image, self.mask, self.scheme)


class BodyParts:
    """A trained model; calling it finds body parts.

    Attributes:
        pipeline: A `PartsPredictor`: `scheme`, `recipe`, `engine`, `precision`.
    """

    def __init__(
        self,
        model: str | PathLike[str],
        *,
        engine: str = "auto",
        precision: str = "f32",
        threads: int | None = None,
    ) -> None:
        """Loads a model.

        Args:
            model: A folder that `train.py package` wrote, or a finished run.
            engine: "auto", "onnxruntime" or "openvino".
            precision: "f32", or a faster one that was found good enough.
            threads: Pictures of a list that are worked on side by side; None: one per CPU.

        Raises:
            FileNotFoundError: the model, or a file of it, is missing.
            ValueError: a file was altered, or an option is wrong.
        """
        self.pipeline = PartsPredictor(
            Path(model), engine=engine, precision=precision, threads=threads
        )

    @overload
    def __call__(self, images: Picture) -> BodyMask: ...

    @overload
    def __call__(self, images: Sequence[Picture]) -> list[BodyMask]: ...

    def __call__(self, images: Picture | Sequence[Picture]) -> BodyMask | list[BodyMask]:
        """Finds the parts in a picture, or in each of some pictures.

        Args:
            images: A path, or an `(H, W, 3)` uint8 RGB array; or a list of them.

        Raises:
            ImageError: a file is missing, damaged or no picture.
            TypeError: something else than a path or an array.
            ValueError: an array of another shape or dtype.
        """
        if isinstance(images, (str, PathLike, np.ndarray)):
            return self._all([images])[0]
        if not isinstance(images, Sequence):
            raise TypeError(f"A picture is a path or an array. Received: {type(images).__name__}")
        return self._all(images)

    def _all(self, images: Sequence[Picture]) -> list[BodyMask]:
        return [_answer(answer.rows) for answer in self.pipeline.answer_values(images)]


def _answer(rows: Sequence[PartsResult]) -> BodyMask:
    if rows[0].error is not None:
        raise ImageError(rows[0].error)
    own = [_of_row(row) for row in rows]
    if len(rows) == 1 and rows[0].person is None:
        return own[0]
    body = sum(row.body for row in rows)
    weights = [row.body / body if body else 0.0 for row in rows]
    names = rows[0].scheme.names[1:]
    shares = {n: sum(w * o.shares[n] for w, o in zip(weights, own, strict=True)) for n in names}
    sure = [w * (row.confidence or 0.0) for w, row in zip(weights, rows, strict=True)]
    first = own[0]
    people = tuple(one for one, row in zip(own, rows, strict=True) if row.person is not None)
    confidence = sum(sure) if body else None
    return BodyMask(first.mask, first.scheme, body, shares, confidence, first.poses, people)


def _of_row(row: PartsResult) -> BodyMask:
    mask = row.mask if row.mask is not None else np.zeros((0, 0), np.uint8)
    shares = dict(zip(row.scheme.names[1:], row.shares[1:].tolist(), strict=True))
    return BodyMask(mask, row.scheme, row.body, shares, row.confidence, row.poses)
