"""The command `package`: a finished run as a folder that works on a machine without it."""

import shlex
from pathlib import Path
from tempfile import TemporaryDirectory

from pose_activity.artifacts.commands import command
from pose_activity.configs.sections import Run
from pose_activity.inference import package, precision_records
from pose_activity.stage1_pose import predict as stage1_pose
from pose_activity.training import on_device
from pose_activity.training.console import say
from pose_activity.training.kinds import kind_of
from pose_activity.training.runs import bytes_below
from pose_activity.training.steps import require, steps_of


def make_package(run: Run, out: Path, *, stage1: Path | None = None) -> None:
    """Packages a run and prints where it is.

    Args:
        run: Every step is finished and fits the others.
        out: A new or an empty folder, or an older package, which is replaced.
        stage1: A run or a package whose pose graph finds people in videos, for a run on pose
            files; None: of such a run, the package names people in pose files alone.

    Raises:
        ValueError: the run has no classifier, or a step is missing or stale.
        FileExistsError: `out` holds something else.
    """
    if "stage2" not in [step.name for step in steps_of(run)]:
        raise ValueError(
            f"{run.run_dir}: a package needs a classifier, and this run has none (stage2: null)."
        )
    folder = None if stage1 is None else _stage1_of(stage1, run)
    require(run, steps_of(run))
    package.check_target(out)
    # The model is loaded, so that graphs and sidecars surely fit.
    facts, card, example, loaded = kind_of(run).module("package").describe(run, folder)
    measured = run.run_dir / precision_records.NAME
    files = package.files_of(run.run_dir, stage1_folder=folder)
    files += [measured] if measured.is_file() else []
    with TemporaryDirectory() as made:
        files += on_device.write(Path(made), loaded, package.kind_of(run.run_dir))
        package.write_package(out, files, card=card, about=facts)
    size = bytes_below(out) / 1e6
    text = f"{run.run_dir}: {len(files) + 2} files, {size:.0f} MB in {out}"
    say(text, mark="packaged", style="green")
    say(command("predict", f"{example} --model {shlex.quote(str(out))}"))


def _stage1_of(model: Path, run: Run) -> Path:
    """Returns the folder of another model's pose graph."""
    if not kind_of(run).module("package").takes_stage1(run):
        raise ValueError(
            f"{run.run_dir} was trained on the poses of its own stage 1, and goes with no other: "
            f"package it without. Received: {model}"
        )
    folder = package.open_model(model).stage1
    if not (folder / stage1_pose.GRAPH).is_file():
        raise FileNotFoundError(
            f"There is no {folder / stage1_pose.GRAPH}. Name a run or a package that has a stage 1."
        )
    return folder
