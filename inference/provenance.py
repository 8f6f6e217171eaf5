"""What an output says about how it was made: model, engine, precision, options, versions."""

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.stage2_classifier.calibrate import NEVER_UNKNOWN

if TYPE_CHECKING:
    from pose_activity.inference.clips.predictor import ClipPredictor


def describe(
    pipeline: "PicturePredictor | ClipPredictor",
    model: Path,
    *,
    options: Mapping[str, Any],
    notes: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns JSON values for an output's manifest.

    Args:
        pipeline: That answers.
        model: Its folder.
        options: What changes the rows beside the model; a resumed output must have the same.
        notes: What does not.

    Returns:
        `made_by`: all that decides what a row says. `model`, `threads`, `versions`, `notes`;
        `warnings`: sentences that a reader of the answers has to know.
    """
    stages: dict[str, Any] = {"stage2": pipeline.classifier}
    if pipeline.pose is not None:
        stages = {"stage1": pipeline.pose, **stages}
    graphs = {
        name: {
            "sha256": stage.sha256,
            "precision": stage.graph.precision,
            "runs": sha256_file(stage.graph.path),  # for int8 another file
        }
        for name, stage in stages.items()
    }
    return {
        "model": str(model),
        "made_by": {
            "engine": pipeline.engine,
            **graphs,
            "temperature": pipeline.classifier.temperature,
            "unknown_below": pipeline.unknown_below,
            "options": dict(options),
        },
        "threads": pipeline.threads,
        "versions": _versions(pipeline.engine),
        "notes": dict(notes),
        "warnings": [] if pipeline.unknown_below else [NEVER_UNKNOWN],
    }


def _versions(engine: str) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        engine: sys.modules[engine].__version__,  # packages of several names bring it
    }
