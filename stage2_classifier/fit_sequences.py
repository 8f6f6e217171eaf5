"""Trains a classifier of sequences on a cache of clips: who walks there, what is done.

What lies in the folder, and what becomes of a training that is killed, stands in `loop`.
"""

from dataclasses import asdict
from pathlib import Path

import keras

from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.cache.store import Cache
from pose_activity.learning import loop, optimization
from pose_activity.learning.augmentation_seed import of_inputs
from pose_activity.learning.epochs import EpochRunner, Phase, weigh_classes
from pose_activity.learning.history import History
from pose_activity.learning.metrics import metrics_for
from pose_activity.stage2_classifier import sequence_augment
from pose_activity.stage2_classifier.models.sequences import registry
from pose_activity.stage2_classifier.options import MONITORS, SequenceFit


def fit(
    cache: Cache,
    out: Path,
    settings: SequenceFit,
    *,
    seed: int = 0,
    threads: int = 2,
    finish: bool = False,
    logs: Path | None = None,
    on_progress: ProgressCallback | None = None,
) -> History:
    """Trains, or goes on with an interrupted training, or returns the history of a finished one.

    Args:
        cache: Of clips. Its split "train" is learned from. "val" chooses the epoch; where it is
            empty, all epochs are run, and the last one is kept.
        out: Folder for what the header of `loop` lists.
        settings: How; of a value derived from it, its own fields alone count.
        seed: Of everything random.
        threads: See `loop.train`.
        finish: See there.
        logs: See there.
        on_progress: See there.

    Returns:
        One entry per epoch.

    Raises:
        ValueError: "train" is empty, there is no such model or option, or nothing to finish.
        FloatingPointError: the loss is no longer finite.
        StaleError: `out` holds a training of other settings or tensors.
    """
    model, own = settings.model, settings.options
    asked = {name: asdict(settings)[name] for name in SequenceFit.__dataclass_fields__}
    asked |= {"options": {**registry.options_of(model), **own}, "seed": seed, "threads": threads}
    registry.check_options(model, own)
    _check(cache)
    registry.load_layers(model)
    judge, recipe, augment = MONITORS[settings.monitor], cache.recipe, settings.augment
    runner = EpochRunner(
        cache,
        batch=settings.batch,
        seed=seed,
        augmentation=of_inputs(sequence_augment.build(recipe, augment)) if augment else None,
        class_weights=weigh_classes(cache) if settings.class_weights else None,
    )

    def begin() -> keras.Model:
        network = registry.build(
            model,
            recipe_shape=recipe.shape,
            skeleton=recipe.body,
            classes=len(cache.classes),
            dropout=settings.dropout,
            **own,
        )
        rate = optimization.rate(
            settings.learning_rate,
            settings.schedule,
            steps=settings.epochs * runner.steps,
            warmup_steps=round(settings.warmup_epochs * runner.steps),
        )
        return optimization.compile_with(
            network, rate, settings.weight_decay, settings.label_smoothing, metrics_for(judge)
        )

    return loop.train(
        [Phase("train", settings.epochs, begin)],
        runner,
        out,
        asked=asked,
        threads=threads,
        patience=settings.patience,
        monitor=judge,
        checkpoint=settings.checkpoint,
        finish=finish,
        logs=logs,
        on_progress=on_progress,
    )


def _check(cache: Cache) -> None:
    if not cache.of_split("train"):
        raise ValueError(
            "Training needs sequences in the split 'train'. Received: none. Change the split's "
            "sizes and build the cache again."
        )
