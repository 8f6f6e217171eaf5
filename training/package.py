"""The command `package`: a finished run as a folder that works on a machine without it."""

from pathlib import Path

from rich.markup import escape

from cache.store import open_cache
from configs import schema
from inference import package, precision
from inference.pipeline import Pipeline
from training.model_card import about, write_card
from training.runs import bytes_below
from training.say import console
from training.steps import require, steps_of


def make_package(run: schema.Run, out: Path) -> None:
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
    loaded = Pipeline(run.run_dir, engine="onnxruntime", threads=1)  # graphs and sidecars fit
    facts = about(run, open_cache(run.run_dir / "cache"))
    measured = run.run_dir / precision.NAME
    files = [*package.files_of(run.run_dir), *([measured] if measured.is_file() else [])]
    card = write_card(facts, loaded.classifier)
    package.write_package(out, files, card=card, about=facts)
    size = bytes_below(out) / 1e6
    console.print(
        f"[green]packaged[/] {escape(str(run.run_dir))}: {len(files) + 2} files, {size:.0f} MB in "
        f"{escape(str(out))}",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"python infer.py photos/ --model {escape(str(out))}", soft_wrap=True)
