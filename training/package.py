"""The command `package`: a finished run as a folder that works on a machine without it."""

from pathlib import Path
from typing import Any

from rich.markup import escape

from cache.store import open_cache
from configs import schema
from configs.any_run import AnyRun
from inference import package, precision
from inference.motion import MotionPipeline
from inference.pipeline import Pipeline
from training.clip_card import about_clips, write_clip_card
from training.model_card import about, write_card
from training.plan import steps_of
from training.runs import bytes_below
from training.say import console
from training.steps import require


def make_package(run: AnyRun, out: Path) -> None:
    """Packages a run and says where it lies.

    Args:
        run: Every step is finished and fits the others.
        out: A new or an empty folder, or an older package, which is replaced.

    Raises:
        ValueError: the run has no classifier, or a step is missing or stale.
        FileExistsError: `out` holds something else.
    """
    if run.stage2 is None:
        raise ValueError(
            f"{run.run_dir}: a package needs a classifier, and this run has none (stage2: null)."
        )
    require(run, steps_of(run))
    package.check_target(out)
    facts, card = _describe(run)
    measured = run.run_dir / precision.NAME
    files = [*package.files_of(run.run_dir), *([measured] if measured.is_file() else [])]
    package.write_package(out, files, card=card, about=facts)
    size = bytes_below(out) / 1e6
    console.print(
        f"[green]packaged[/] {escape(str(run.run_dir))}: {len(files) + 2} files, {size:.0f} MB in "
        f"{escape(str(out))}",
        highlight=False,
        soft_wrap=True,
    )
    shown = "photos/" if isinstance(run, schema.Run) else "clip.mp4"
    console.print(f"python infer.py {shown} --model {escape(str(out))}", soft_wrap=True)


def _describe(run: AnyRun) -> tuple[dict[str, Any], str]:
    """Loads the model, so that graphs and sidecars surely fit; returns its facts and its card."""
    if isinstance(run, schema.Run):
        loaded = Pipeline(run.run_dir, engine="onnxruntime", threads=1)
        facts = about(run, open_cache(run.run_dir / "cache"))
        return facts, write_card(facts, loaded.classifier)
    if run.has_features:
        raise ValueError(
            f"{run.run_dir} classifies features from a table: there is no model of videos to "
            "package."
        )
    moving = MotionPipeline(run.run_dir, engine="onnxruntime", threads=1)
    facts = about_clips(run)
    return facts, write_clip_card(facts, moving)
