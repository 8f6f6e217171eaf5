"""The model as a Python function: pictures or videos in, `Prediction`s out.

    from pose_activity import Classifier
    classify = Classifier("model/")
    print(classify("photo.jpg").activity)

and for a model that names people by how they move

    from pose_activity import predict_action
    for person in predict_action("clip.mp4", "model/"):
        print(person.person, person.activity, person.probability)

The same pipelines as `infer.py`, so the same answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np

from pose_activity.annotations.images import ImageError
from pose_activity.annotations.types import Poses
from pose_activity.inference.package import kind_of
from pose_activity.inference.results import Result

Picture = str | PathLike[str] | np.ndarray


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a picture or video, or a person in it, shows.

    Attributes:
        activity: The most probable activity (of a model that identifies people: who it is), or
            "unknown" if it is too improbable; None if nobody was found, and each person was
            to be named.
        probability: Of the most probable activity, in [0, 1]; None without an answer.
        probabilities: Activity -> probability, all of them, falling; they sum to 1.
        poses: Who was found, in pixels of the picture; None where the model uses no poses, and of
            a video.
        person: Whom this is about, an index into `poses`, or a video's person in the order in which
            they appear; None: the whole picture.
        people: Where the model names each person: one prediction per person, in that order; the
            attributes above are then those of the surest one.
        note: A further remark: why a person has no answer, or what is lost of a damaged
            video; or None.
    """

    activity: str | None
    probability: float | None
    probabilities: Mapping[str, float]
    poses: Poses | None
    person: int | None = None
    people: tuple["Prediction", ...] = ()
    note: str | None = None


class Classifier:
    """A trained model; calling it names activities.

    Attributes:
        pipeline: Both stages, a `TwoStagePredictor`: `classes`, `recipe`, `engine`, `precision`,
            `unknown_below`; `takes` says whether it is about "pictures" or "videos".
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
            threads: Pictures of a list, or frames of a video, that are worked on side by side;
                None: one per CPU.
            unknown_below: Probability below which the answer is "unknown", 0 for never; None takes
                what was fitted on validation pictures.

        Raises:
            FileNotFoundError: the model, or a file of it, is missing.
            ValueError: a file was altered, or an option is wrong.
        """
        folder = Path(model)
        kind = kind_of(folder)
        if kind.function is not None:
            raise ValueError(
                f"A Classifier names activities, and {folder} does not: load it with load_model."
            )
        self.pipeline: Any = kind.load(
            folder,
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
        """Names the activity in a picture, or in each of some pictures; or so of videos.

        Args:
            images: A path, or an `(H, W, 3)` uint8 RGB array; or a list of them. For a model of
                clips a video's path, or a list of those.

        Returns:
            A prediction, or a list of them in the same order.

        Raises:
            ImageError: a file is missing, damaged or no picture; of a video, not one frame of it
                can be read.
            TypeError: something else than a path or an array.
            ValueError: an array of another shape or dtype.
        """
        if isinstance(images, (str, PathLike, np.ndarray)):
            return self._all([images])[0]
        if not isinstance(images, Sequence):
            raise TypeError(f"A picture is a path or an array. Received: {type(images).__name__}")
        return self._all(images)

    def _all(self, images: Sequence[Picture]) -> list[Prediction]:
        return [self._predict(answer.rows) for answer in self.pipeline.answer_values(images)]

    def _predict(self, rows: Sequence[Result]) -> Prediction:
        first, lost = rows[0], rows[-1].error
        if first.error is not None and first.person is None:
            raise ImageError(first.error)
        predictions = [self._of_row(row) for row in rows]
        if first.person is None:
            return predictions[0]
        if rows[-1].person is None:  # what is lost of a video
            predictions.pop()
        else:
            lost = None
        best = max(predictions, key=lambda prediction: prediction.probability or 0)
        return replace(best, people=tuple(predictions), note=lost or best.note)

    def _of_row(self, row: Result) -> Prediction:
        values = [] if row.probabilities is None else row.probabilities.tolist()
        ranked = sorted(zip(self.pipeline.classes, values, strict=False), key=lambda item: -item[1])
        probability = ranked[0][1] if ranked else None
        return Prediction(
            row.activity,
            probability,
            dict(ranked),
            row.poses,
            row.person,
            note=row.error or row.note,
        )


def load_model(model: str | PathLike[str], **options: Any) -> Any:
    """Loads a model of any kind as a function of pictures or videos.

    Args:
        model: A folder that `train.py package` wrote, or a finished run.
        **options: See `Classifier`; other kinds take some of them.

    Returns:
        A `Classifier`; of a model of body parts what finds them in a picture.
    """
    return kind_of(Path(model)).function_class(model, **options)


def predict_action(
    video: str | PathLike[str], model: str | PathLike[str] | Classifier
) -> list[Prediction]:
    """Names what each person in a video does, or who they are.

    Args:
        video: A video file.
        model: A folder of a model of clips; or a `Classifier`, which loads it once for many.

    Returns:
        One prediction per person, in the order in which they appear; none without people.

    Raises:
        ImageError: not one frame can be read, or it is not a video.
        ValueError: the model names pictures.
        FileNotFoundError: the model, or a file of it, is missing.
    """
    classify = model if isinstance(model, Classifier) else Classifier(model)
    if classify.pipeline.takes != "videos":
        raise ValueError(
            "predict_action takes a model that names people by how they move, and this one names "
            "pictures: call Classifier(model)(picture), or infer.py for the frames of a video. "
            f"Received: {model}"
        )
    return list(classify(video).people)
