"""What the command `package` says about a model of people in motion."""

from pathlib import Path
from typing import Any

from pose_activity.configs.clips import ClipRun
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.inference.predictor import Predictor
from pose_activity.training.clips.card import about, write_card


def takes_stage1(run: ClipRun) -> bool:
    """Returns whether a package may hold another model's stage 1: where the run has none."""
    return not run.has_videos


def describe(run: ClipRun, stage1: Path | None) -> tuple[dict[str, Any], str, str, Predictor]:
    """Loads the model; returns its facts, its card, what infer.py may be asked about, and it.

    Args:
        run: Every step is finished.
        stage1: Another model's pose graph, for a run on pose files.

    Raises:
        ValueError: the run classifies features from a table.
    """
    if run.has_features:
        raise ValueError(
            f"{run.run_dir} classifies features from a table: it has no model of videos to "
            "package. Name a run that has a network."
        )
    loaded = ClipPredictor(run.run_dir, engine="onnxruntime", threads=1, stage1_folder=stage1)
    facts = about(run, has_pose=loaded.pose is not None)
    return facts, write_card(facts, loaded), "clip.mp4" if loaded.pose else "poses/", loaded
