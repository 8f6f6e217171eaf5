"""What a browser needs to answer by itself: the model's own f32 graphs, `on_device.json`, a sample.

A package holds them. `on_device.json` says what is done around the graphs, or why this model
cannot be answered in a browser ("why"). The sample is one picture of several, with what the model
said of each: a browser that says otherwise is not to be trusted with it. Each kind that watches
cameras has an `on_device.py` that describes its models; see `inference.kinds`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.types import Poses
from pose_activity.cache.planes import PoseModelId
from pose_activity.inference.precision_check import LEAST_SAME
from pose_activity.stage1_pose.predict import PosePredictor

NAME, SAMPLE = "on_device.json", "on_device_sample.png"
FORMAT = 1
GATE = {"same_activity": LEAST_SAME, "joint_px_p95": 2.0}


class CannotBeOnDevice(ValueError):
    """A model that a browser cannot answer with; the sentence says why."""


def read(folder: Path) -> dict[str, Any] | None:
    """Returns what a model folder says; None where it says nothing: a run, or an older package."""
    path = folder / NAME
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def describe_pose(pose: PosePredictor, seen: PoseModelId) -> dict[str, Any]:
    """Returns what is done around stage 1's graph, as JSON values.

    Args:
        pose: Stage 1.
        seen: Whose poses the classifier saw: whom it keeps.
    """
    return {
        "size": pose.size,
        "joints": list(pose.skeleton.joints),
        "bones": [list(bone) for bone in pose.skeleton.bones],
        "pairs": [list(pair) for pair in pose.skeleton.pairs],
        "confidence": seen.confidence,
        "iou": seen.iou,
        "max_people": seen.max_people,
    }


def describe_graph(stage: Any) -> dict[str, Any]:
    """Returns a loaded stage's file, digest and size, as JSON values."""
    path = stage.graph.path
    return {"file": path.name, "sha256": stage.sha256, "bytes": path.stat().st_size}


def joints_of(poses: Poses | None) -> list[Any]:
    """Returns x, y in pixels and confidence of everybody's joints, to a hundredth of a pixel."""
    keypoints = np.zeros((0, 0, 3)) if poses is None else poses.keypoints
    return keypoints.astype(np.float64).round(2 if len(keypoints) else 0).tolist()
