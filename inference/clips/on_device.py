"""Models of motion in a browser: stage 1 runs there, and joints alone go to the server."""

from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.inference.clips.live import NO_STAGE_1, window_of
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.inference.live import CannotBeLive
from pose_activity.inference.on_device import (
    CannotBeOnDevice,
    describe_graph,
    describe_pose,
    joints_of,
)


def describe(predictor: ClipPredictor) -> dict[str, Any]:
    """Returns what is done around stage 1's graph, as JSON values.

    Raises:
        CannotBeOnDevice: it has no stage 1, or cannot answer cameras.
    """
    if predictor.pose is None:
        raise CannotBeOnDevice(NO_STAGE_1)
    try:
        window_of(predictor.recipe)
    except CannotBeLive as error:
        raise CannotBeOnDevice(str(error)) from None
    return {
        "graphs": {"pose": describe_graph(predictor.pose)},
        "pose": describe_pose(predictor.pose, predictor.recipe.pose),
        "recipe": None,
        "longest_side": predictor.pose.size,
    }


def expect(predictor: ClipPredictor, pixels: np.ndarray) -> dict[str, Any] | None:
    """Returns whom stage 1 finds in a picture; None where that is nobody."""
    if predictor.pose is None:
        return None
    (poses,) = predictor.pose([pixels], [Path("sample")])
    return {"activities": None, "people": joints_of(poses)} if len(poses.boxes) else None
