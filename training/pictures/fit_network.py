"""The step `stage2` of a run whose network is trained by `stage2_classifier.fit`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.images import write_drawing
from pose_activity.artifacts.removal import remove
from pose_activity.backbones import registry
from pose_activity.cache.record import stack
from pose_activity.cache.store import Cache, open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.learning.augmentation_seed import training_seed
from pose_activity.learning.history import early_end
from pose_activity.learning.tensorflow_start import start_tensorflow
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier import augment
from pose_activity.stage2_classifier.draw_augmentations import draw_augmentations
from pose_activity.stage2_classifier.frozen import head
from pose_activity.training.console import console, say
from pose_activity.training.pictures.files import HELD_OUT, LEARNING_CURVE, LINEAR
from pose_activity.training.resume import resume_or_restart
from pose_activity.training.steps import Counts
from pose_activity.training.unknown import say_unknown

PARITY_TENSORS = 8  # on which the exported graph is compared with Keras
SHOWN_PICTURES, SHOWN_EPOCHS = 6, 4  # in augmentations.png


def fit_network(run: PictureRun, folder: Path, *, finish: bool = False) -> Counts:
    """Trains, or ends a training with the epochs there are; exports the classifier."""
    start_tensorflow(run.run_dir / "logs" / "tensorflow.txt")
    from pose_activity.stage2_classifier import fit

    cache = open_cache(run.run_dir / "cache")
    for rest in (head.FILE, HELD_OUT, LEARNING_CURVE, LINEAR):  # of an earlier configuration
        remove(folder / rest)
    registry.find_weights(run.classifier.model, run.classifier.weights, on_progress=_say)
    with progress_bar("training stage 2", console) as show:

        def train() -> Any:
            write_drawing(folder / "augmentations.png", show_augmentations(run, cache))
            return fit.fit(
                cache,
                folder,
                run.classifier,
                model=run.classifier.model,
                weights=run.classifier.weights,
                seed=run.seed,
                threads=run.threads,
                finish=finish,
                logs=run.run_dir / "logs" / "stage2",
                on_progress=show,
            )

        history = train() if finish else resume_or_restart(train, folder)
    export_network(run, cache, folder)
    return early_end(folder) | history.best.row()


def export_network(run: PictureRun, cache: Cache, folder: Path, *, mirror: bool = False) -> None:
    """Exports the trained network, calibrated on val, and says when it will answer unknown."""
    from pose_activity.stage2_classifier import export

    entries = cache.of_split("val")
    sample = [cache.load(entry, verify=True).x for entry in entries[:PARITY_TENSORS]]
    with progress_bar("calibrating", console) as show:

        def validation() -> Iterator[tuple[np.ndarray, int]]:
            for done, entry in enumerate(entries, 1):
                yield cache.load(entry, verify=True).x, cache.class_id(entry)
                show(done, len(entries), entry.source.name)

        export.export(
            folder,
            recipe=cache.recipe,
            classes=cache.classes,
            tensors=stack(sample),
            validation=validation(),
            unknown_precision=run.classifier.unknown_precision,
            unknown_min_coverage=run.classifier.unknown_min_coverage,
            mirror=mirror,
            threads=run.threads,
        )
    say_unknown(folder, held_out=len(entries))


def show_augmentations(run: PictureRun, cache: Cache) -> np.ndarray:
    """Draws what training will see of some pictures, one a class as far as they go."""
    options = run.classifier.augment
    views = cache.recipe.views
    entries = cache.of_split("train")
    first_of = {entry.target: index for index, entry in reversed(list(enumerate(entries)))}
    spread = np.linspace(0, len(first_of) - 1, min(SHOWN_PICTURES, len(first_of))).round()
    chosen = [sorted(first_of.values())[int(i)] for i in spread]
    return draw_augmentations(
        [cache.load(entries[i], verify=True).x for i in chosen],
        [f"{entries[i].target}: {entries[i].source.name}" for i in chosen],
        views,
        augment.build_views(views, options) if options else None,
        seeds=[
            [training_seed(run.seed, epoch, i) for epoch in range(SHOWN_EPOCHS)] for i in chosen
        ],
    )


def _say(done: int, total: int, text: str) -> None:
    say(text)
