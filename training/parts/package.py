"""What the command `package` says about a model of body parts."""

from pathlib import Path
from typing import Any

from pose_activity.configs.parts import PartsRun
from pose_activity.inference.parts.predictor import PartsPredictor
from pose_activity.inference.predictor import Predictor
from pose_activity.training.parts.card import about, write_card


def takes_stage1(run: PartsRun) -> bool:
    """Returns whether a package may hold another model's stage 1: it never may."""
    return False


def describe(run: PartsRun, stage1: Path | None) -> tuple[dict[str, Any], str, str, Predictor]:
    """Loads the model; returns its facts, its card, what infer.py may be asked about, and it."""
    loaded = PartsPredictor(run.run_dir, engine="onnxruntime", threads=1)
    facts = about(run)
    return facts, write_card(facts, loaded), "photos/", loaded
