"""What the command `package` says about a model of pictures."""

from pathlib import Path
from typing import Any

from pose_activity.cache.store import open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.predictor import Predictor
from pose_activity.training.pictures.card import about, write_card


def takes_stage1(run: PictureRun) -> bool:
    """Returns whether a package may hold another model's stage 1: it never may."""
    return False


def describe(run: PictureRun, stage1: Path | None) -> tuple[dict[str, Any], str, str, Predictor]:
    """Loads the model; returns its facts, its card, what infer.py may be asked about, and it."""
    loaded = PicturePredictor(run.run_dir, engine="onnxruntime", threads=1)
    facts = about(run, open_cache(run.run_dir / "cache"))
    return facts, write_card(facts, loaded.classifier), "photos/", loaded
