"""What an output records about how it was made: model, engine, precision, options, versions."""

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.inference.predictor import Predictor


def describe(
    predictor: Predictor,
    model: Path,
    *,
    options: Mapping[str, Any],
    notes: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns JSON values for an output's manifest.

    Args:
        predictor: The one that makes the answers.
        model: Its folder.
        options: What changes the rows beside the model; a resumed output must have the same.
        notes: What does not.

    Returns:
        `made_by`: all that decides what a row says. `model`, `threads`, `versions`, `notes`;
        `warnings`: sentences that a reader of the answers has to know.
    """
    graphs = {
        name: {
            "sha256": stage.sha256,
            "precision": stage.graph.precision,
            "runs": sha256_file(stage.graph.path),  # for int8 another file
        }
        for name, stage in predictor.stages.items()
    }
    return {
        "model": str(model),
        "made_by": {
            "engine": predictor.engine,
            **graphs,
            **predictor.calibration,
            "options": dict(options),
        },
        "threads": predictor.threads,
        "versions": _versions(predictor.engine),
        "notes": dict(notes),
        "warnings": predictor.warnings,
    }


def _versions(engine: str) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        engine: sys.modules[engine].__version__,  # packages of several names bring it
    }
