"""The model as a Python function: pictures in, `Prediction`s out.

    from inference import Classifier
    classify = Classifier("model/")
    print(classify("photo.jpg").activity)

The same pipeline as `infer.py`, so the same answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import overload

import numpy as np

from annotations.images import ImageError, load_rgb
from annotations.types import Poses
from inference.pipeline import Answer, Frame, Pipeline, Row

Picture = str | PathLike[str] | np.ndarray
_ARRAY = Path("array")  # stands for a path in what is said about an array


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a picture, or a person in it, shows.

    Attributes:
        activity: The most probable activity, or "unknown" where it is too improbable; None for a
            picture without people, where each person was to be named.
        probability: Of the most probable activity, in [0, 1]; None where there is no answer.
        probabilities: Activity -> probability, all of them, falling; they sum to 1.
        poses: Who was found, in pixels of the picture; None where the model uses no poses.
        person: Whom this is about, an index into `poses`; None: the whole picture.
        people: Where the model names each person: one prediction per person, in the order of
            `poses`; the attributes above are then those of the surest one.
    """

    activity: str | None
    probability: float | None
    probabilities: Mapping[str, float]
    poses: Poses | None
    person: int | None = None
    people: tuple["Prediction", ...] = ()


class Classifier:
    """A trained model; calling it names activities.

    Attributes:
        pipeline: Both stages: `classes`, `recipe`, `engine`, `precision`, `unknown_below`.
    """

    def __init__(
        self,
        model: str | PathLike[str],
        *,
        engine: str = "auto",
        precision: str = "f32",
        threads: int | None = None,
        unknown_below: float | None = None,
    ) -> None:
        """Loads a model.

        Args:
            model: A folder that `train.py package` wrote, or a finished run.
            engine: "auto", "onnxruntime" or "openvino".
            precision: "f32", or a faster one that was found good enough; see docs/inference.md.
            threads: Pictures of a list that are worked on side by side; None: one a CPU.
            unknown_below: Probability below which the answer is "unknown", 0 for never; None takes
                what was fitted on validation pictures.

        Raises:
            FileNotFoundError: there is no model, or a file of it is missing.
            ValueError: a file was altered, or an option is wrong.
        """
        self.pipeline = Pipeline(
            Path(model),
            engine=engine,
            precision=precision,
            threads=threads,
            unknown_below=unknown_below,
        )

    @overload
    def __call__(self, images: Picture) -> Prediction: ...

    @overload
    def __call__(self, images: Sequence[Picture]) -> list[Prediction]: ...

    def __call__(self, images: Picture | Sequence[Picture]) -> Prediction | list[Prediction]:
        """Names the activity in a picture, or in each of some pictures.

        Args:
            images: A path, or an `(H, W, 3)` uint8 RGB array; or a list of them.

        Returns:
            A prediction, or a list of them in the same order.

        Raises:
            ImageError: a file is missing, damaged or no picture.
            TypeError: something else than a path or an array.
            ValueError: an array of another shape or dtype.
        """
        if isinstance(images, (str, PathLike, np.ndarray)):
            return self._predict(self.pipeline.answer(_frame(images)))
        if not isinstance(images, Sequence):
            raise TypeError(f"A picture is a path or an array. Received: {type(images).__name__}")
        return [self._predict(answer) for answer in self.pipeline.answers(map(_frame, images))]

    def _predict(self, answer: Answer) -> Prediction:
        first = answer.rows[0]
        if first.error is not None:
            raise ImageError(first.error)
        predictions = tuple(self._of_row(row) for row in answer.rows)
        if first.person is None:
            return predictions[0]
        best = max(predictions, key=lambda prediction: prediction.probability or 0)
        return Prediction(
            best.activity,
            best.probability,
            best.probabilities,
            best.poses,
            best.person,
            predictions,
        )

    def _of_row(self, row: Row) -> Prediction:
        values = [] if row.probabilities is None else row.probabilities.tolist()
        ranked = sorted(zip(self.pipeline.classes, values, strict=False), key=lambda item: -item[1])
        probability = ranked[0][1] if ranked else None
        return Prediction(row.activity, probability, dict(ranked), row.poses, row.person)


def _frame(picture: Picture) -> Frame:
    if isinstance(picture, (str, PathLike)):
        path = Path(picture)
        return Frame(path, partial(load_rgb, path))
    if not isinstance(picture, np.ndarray):
        raise TypeError(f"A picture is a path or an array. Received: {type(picture).__name__}")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ValueError(
            "A picture as an array must be (H, W, 3) uint8 RGB. "
            f"Received: {picture.shape} {picture.dtype}"
        )
    return Frame(_ARRAY, lambda: np.ascontiguousarray(picture))
