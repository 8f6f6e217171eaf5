"""The command `package`: a finished run as a folder that works on a machine without it."""

import shlex
from pathlib import Path
from typing import Any

from pose_activity.cache.store import open_cache
from pose_activity.configs.clips import ClipRun
from pose_activity.configs.loading import AnyRun
from pose_activity.configs.pictures import PictureRun
from pose_activity.inference import package, precision_records
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.stage1_pose import predict as stage1_pose
from pose_activity.training.clips.card import about_clips, write_clip_card
from pose_activity.training.console import say
from pose_activity.training.pictures.card import about, write_card
from pose_activity.training.plan import steps_of
from pose_activity.training.runs import bytes_below
from pose_activity.training.steps import require


def make_package(run: AnyRun, out: Path, *, stage1: Path | None = None) -> None:
    """Packages a run and says where it lies.

    Args:
        run: Every step is finished and fits the others.
        out: A new or an empty folder, or an older package, which is replaced.
        stage1: A run or a package whose pose graph finds people in videos, for a run on pose
            files; None: of such a run, the package names people in pose files alone.

    Raises:
        ValueError: the run has no classifier, or a step is missing or stale.
        FileExistsError: `out` holds something else.
    """
    if run.stage2 is None:
        raise ValueError(
            f"{run.run_dir}: a package needs a classifier, and this run has none (stage2: null)."
        )
    folder = None if stage1 is None else _stage1_of(stage1, run)
    require(run, steps_of(run))
    package.check_target(out)
    facts, card = _describe(run, folder)
    measured = run.run_dir / precision_records.NAME
    files = package.files_of(run.run_dir, stage1_folder=folder)
    files += [measured] if measured.is_file() else []
    package.write_package(out, files, card=card, about=facts)
    size = bytes_below(out) / 1e6
    text = f"{run.run_dir}: {len(files) + 2} files, {size:.0f} MB in {out}"
    say(text, mark="packaged", style="green")
    shown = "photos/" if isinstance(run, PictureRun) else "clip.mp4"
    if isinstance(run, ClipRun) and not run.has_videos and folder is None:
        shown = "poses/"
    say(f"python infer.py {shown} --model {shlex.quote(str(out))}")


def _stage1_of(model: Path, run: AnyRun) -> Path:
    """Returns the folder of another model's pose graph."""
    if isinstance(run, PictureRun) or run.has_videos:
        raise ValueError(
            f"{run.run_dir} was trained on the poses of its own stage 1, and goes with no other: "
            f"package it without. Received: {model}"
        )
    folder = package.open_model(model).stage1
    if not (folder / stage1_pose.GRAPH).is_file():
        raise FileNotFoundError(
            f"There is no {folder / stage1_pose.GRAPH}. Name a run, or a package, with a stage 1."
        )
    return folder


def _describe(run: AnyRun, stage1: Path | None) -> tuple[dict[str, Any], str]:
    """Loads the model, so that graphs and sidecars surely fit; returns its facts and its card."""
    if isinstance(run, PictureRun):
        loaded = PicturePredictor(run.run_dir, engine="onnxruntime", threads=1)
        facts = about(run, open_cache(run.run_dir / "cache"))
        return facts, write_card(facts, loaded.classifier)
    if run.has_features:
        raise ValueError(
            f"{run.run_dir} classifies features from a table: there is no model of videos to "
            "package."
        )
    options = {"engine": "onnxruntime", "threads": 1, "stage1_folder": stage1}
    moving = ClipPredictor(run.run_dir, **options)
    facts = about_clips(run, has_pose=moving.pose is not None)
    return facts, write_clip_card(facts, moving)
