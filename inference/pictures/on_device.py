"""Models of pictures in a browser: both graphs run there."""

from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.videos import Frame
from pose_activity.cache.planes import FOUND, JOINTS, PERSON, PICTURE
from pose_activity.cache.record import X
from pose_activity.inference.on_device import (
    CannotBeOnDevice,
    describe_graph,
    describe_pose,
    joints_of,
)
from pose_activity.inference.pictures.predictor import PicturePredictor

_MADE = {X, PICTURE, PERSON, FOUND, JOINTS}  # the arrays that page/device/planes.js makes
_NEAR = 0.05  # two activities whose probabilities are nearer than this are a toss-up


def describe(predictor: PicturePredictor) -> dict[str, Any]:
    """Returns what is done around the graphs, as JSON values.

    Raises:
        CannotBeOnDevice: the classifier sees what a browser does not make.
    """
    recipe, pose = predictor.recipe, predictor.pose
    if recipe.needs_parts:
        raise CannotBeOnDevice(
            "The classifier sees planes of body parts, which a browser does not make."
        )
    if others := sorted(recipe.arrays.keys() - _MADE):
        raise CannotBeOnDevice(
            f"The classifier sees {', '.join(others)} besides, which a browser does not make."
        )
    graphs = {"classifier": describe_graph(predictor.classifier)}
    if pose is not None:
        graphs["pose"] = describe_graph(pose)
    return {
        "graphs": graphs,
        "pose": pose and describe_pose(pose, recipe.pose),
        "recipe": recipe.as_json(),
        "shapes": {name: list(spec.shape) for name, spec in recipe.arrays.items()},
        "classes": list(predictor.classes),
        "temperature": predictor.classifier.temperature,
        "unknown_below": predictor.unknown_below,
        "longest_side": pose.size if pose else max(recipe.shape[:2]),
    }


def expect(predictor: PicturePredictor, pixels: np.ndarray) -> dict[str, Any] | None:
    """Returns what the model says of a picture; None where nobody is found, or for a toss-up."""
    rows = predictor.answer(Frame(Path("sample"), lambda: pixels)).rows
    poses = rows[0].poses
    if predictor.pose is not None and (poses is None or not len(poses.boxes)):
        return None
    if any(len(r.ranking) > 1 and r.ranking[0][1] - r.ranking[1][1] < _NEAR for r in rows):
        return None
    return {"activities": [row.ranking[0][0] for row in rows], "people": joints_of(poses)}
