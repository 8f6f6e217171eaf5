"""Trains a run, step by step: python train.py all --config configs/demo.yaml.

    annotations  read the labels, mend them, split them     -> RUN/annotations
    stage1       train or fetch the pose model, export it   -> RUN/stage1
    cache        find poses, draw planes, store tensors     -> RUN/cache
    stage2       train the classifier, export it            -> RUN/stage2
    report       classify the test split, write the scores  -> RUN/report

Each step leaves a folder with a manifest, written last. A step whose manifest fits the
configuration and its inputs is skipped; `all` gives each step a process of its own, so that torch
and TensorFlow never meet. What a step does is in `training/`, which is imported only after the
configuration was found right.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from configs import schema

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # damaged pictures get our message alone
app = typer.Typer(
    help="Trains a two-stage activity classifier.\n\n"
    "Example: python train.py all --config configs/demo.yaml --set stage2.epochs=5",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Config = Annotated[Path, typer.Option(help="A YAML file; see configs/.", show_default=False)]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Override: --set stage2.epochs=5 (repeatable).")
]


def _load(config: Path, overrides: list[str] | None, steps: Sequence[str]) -> schema.Run:
    run = schema.load(config, overrides or ())
    schema.check_paths(run, steps)
    return run


@app.command()
def annotations(
    config: Config,
    overrides: Set = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only read and check labels; needs no pictures.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail if the cleaner rejects anything.")
    ] = False,
) -> None:
    """Reads, mends and splits the labels."""
    run = _load(config, overrides, ["dry_run" if dry_run else "annotations"])
    from training import labels
    from training.steps import run_step

    if run.draw:
        labels.draw_data_set(run.draw, run.seed)
    if dry_run:
        labels.try_annotations(run, strict=strict)
        return
    run_step(run, "annotations", labels.make_annotations)
    if strict:
        labels.refuse_rejections(run)


@app.command()
def stage1(config: Config, overrides: Set = None) -> None:
    """Trains the pose model, or takes it as it is; exports it."""
    run = _load(config, overrides, ["stage1"])
    from training.poses import make_stage1
    from training.steps import run_step

    run_step(run, "stage1", make_stage1)


@app.command()
def cache(config: Config, overrides: Set = None) -> None:
    """Finds poses, draws planes, stores tensors."""
    run = _load(config, overrides, ["cache"])
    from training.steps import run_step
    from training.tensors import make_cache

    run_step(run, "cache", make_cache)


@app.command()
def stage2(config: Config, overrides: Set = None) -> None:
    """Trains the classifier and exports it."""
    run = _load(config, overrides, ["stage2"])
    from training.classifier import make_stage2
    from training.steps import run_step

    run_step(run, "stage2", make_stage2)


@app.command()
def report(config: Config, overrides: Set = None) -> None:
    """Classifies the test split and writes the scores."""
    run = _load(config, overrides, ["report"])
    from training.scores import make_report, say_scores
    from training.steps import run_step

    run_step(run, "report", make_report)
    say_scores(run)


@app.command(name="all")
def every_step(config: Config, overrides: Set = None) -> None:
    """Runs all steps, each in a process of its own; finished ones are skipped."""
    run = _load(config, overrides, schema.STEPS)
    from training.steps import steps_of

    settings = [part for item in overrides or () for part in ("--set", item)]
    for step in steps_of(run):
        command = [sys.executable, __file__, step, "--config", str(config), *settings]
        code = subprocess.run(command).returncode
        if code:
            raise typer.Exit(code)


def main() -> None:
    """Runs the command line; a mistake is one message, not a traceback."""
    try:
        app()
    except (ValueError, OSError, FloatingPointError) as error:
        Console().print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
