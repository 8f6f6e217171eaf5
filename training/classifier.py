"""The step `stage2`: the classifier is trained and exported."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape

from artifacts.manifest import StaleError
from cache.store import open_cache
from configs import schema
from inference.progress import progress_bar
from training.say import console
from training.steps import Made

PARITY_TENSORS = 8  # on which the exported graph is compared with Keras


def make_stage2(run: schema.Run, folder: Path) -> Made:
    """Trains the classifier and exports it."""
    from stage2_classifier import export, fit

    cache = open_cache(run.run_dir / "cache")
    augment = run.stage2.augment
    with progress_bar("training stage 2", console) as show:

        def train() -> Any:
            return fit.fit(
                cache,
                folder,
                **run.stage2.arguments("augment"),
                augment=augment.arguments() if augment else None,
                seed=run.seed,
                threads=run.threads,
                on_progress=show,
            )

        try:
            history = train()
        except StaleError as stale:
            console.print(
                f"[yellow]beginning anew:[/] {escape(str(stale))}", soft_wrap=True, highlight=False
            )
            old = folder.with_name(".old-stage2")  # renamed first: a kill leaves no half of it
            shutil.rmtree(old, ignore_errors=True)
            shutil.rmtree(folder.rename(old))
            history = train()
    entries = cache.of_split("val")[:PARITY_TENSORS]
    tensors = np.stack([cache.load(entry, verify=True) for entry in entries])
    export.export(folder, recipe=cache.recipe, classes=cache.classes, tensors=tensors)
    return [folder / "classifier.onnx", folder / "classifier.json"], asdict(history.best)
