"""Trains the classifier of pictures: the head on a frozen backbone, then, if asked, all of it.

What lies in the folder, and what becomes of a training that is killed, stands in `loop`.
"""

from dataclasses import asdict
from pathlib import Path

import keras

from pose_activity.artifacts import manifest
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.backbones import registry
from pose_activity.cache.store import Cache
from pose_activity.learning import loop, optimization
from pose_activity.learning.augmentation_seed import of_inputs
from pose_activity.learning.epochs import EpochRunner, Phase, weigh_classes
from pose_activity.learning.history import History
from pose_activity.learning.metrics import metrics_for
from pose_activity.stage2_classifier import augment as augmentations
from pose_activity.stage2_classifier.models.images import assembly
from pose_activity.stage2_classifier.options import MONITORS, NetworkFit


def fit(
    cache: Cache,
    out: Path,
    settings: NetworkFit,
    *,
    model: str,
    weights: str,
    seed: int = 0,
    threads: int = 2,
    finish: bool = False,
    logs: Path | None = None,
    on_progress: ProgressCallback | None = None,
) -> History:
    """Trains, or goes on with an interrupted training, or returns the history of a finished one.

    Args:
        cache: Its splits "train" and "val" are used.
        out: Folder for what the header of `loop` lists.
        settings: How; of a value derived from it, its own fields alone count.
        model: A key of `backbones.registry.MODELS`.
        weights: "none", a name that the model publishes, or a path; see `registry.find_weights`.
        seed: Of everything random.
        threads: See `loop.train`.
        finish: See there.
        logs: See there.
        on_progress: See there; called before the first step with what `registry.find_weights` says.

    Returns:
        One entry per epoch.

    Raises:
        ValueError: "train" or "val" is empty, there are no such weights, or nothing to finish.
        WeightsError: the weights could not be downloaded.
        FloatingPointError: the loss is no longer finite.
        StaleError: `out` holds a training of other settings or tensors.
    """
    asked = {name: asdict(settings)[name] for name in NetworkFit.__dataclass_fields__}
    asked |= {"model": model, "weights": weights, "seed": seed, "threads": threads}
    check_splits(cache)
    start = registry.find_weights(model, weights, on_progress=on_progress)
    asked |= {"weights_sha256": _sha256(start)}
    judge, augment = MONITORS[settings.monitor], settings.augment

    def build(weights: Path | None) -> keras.Model:
        recipe = cache.recipe
        return assembly.build(
            model,
            height=recipe.height,
            width=recipe.width,
            planes=recipe.planes,
            classes=len(cache.classes),
            weights=weights,
            adapter_start=settings.adapter_start,
            dropout=settings.dropout,
        )

    def begin() -> keras.Model:
        return optimization.freeze(
            build(start), settings.train_adapter, settings.learning_rate, metrics_for(judge)
        )

    def begin_fine_tuning() -> keras.Model:
        history = History.read(out / loop.HISTORY, monitor=judge)
        best = history.best.epoch if history.epochs else None
        network = begin() if best is None else loop.load_state(out, best)
        return optimization.thaw(
            network,
            settings.fine_tune_layers,
            settings.fine_tune_learning_rate,
            metrics_for(judge),
        )

    as_trained = settings.precision == "float32" and settings.replicas == 1
    return loop.train(
        (
            Phase("head", settings.epochs, begin),
            Phase("fine_tune", settings.fine_tune_epochs, begin_fine_tuning),
        ),
        EpochRunner(
            cache,
            batch=settings.batch,
            seed=seed,
            augmentation=of_inputs(augmentations.build(cache.recipe.planes, augment))
            if augment
            else None,
            class_weights=weigh_classes(cache) if settings.class_weights else None,
            replicas=settings.replicas,
        ),
        out,
        asked=asked,
        threads=threads,
        patience=settings.patience,
        monitor=judge,
        precision=settings.precision,
        rebuild=None if as_trained else lambda: build(None),
        finish=finish,
        logs=logs,
        on_progress=on_progress,
    )


def check_splits(cache: Cache) -> None:
    """Raises ValueError where a cache has nothing to learn from, or to choose an epoch by."""
    counts = {split: len(cache.of_split(split)) for split in ("train", "val")}
    if not all(counts.values()):
        raise ValueError(
            "Training needs images in the splits 'train' and 'val' (val chooses the epoch to "
            f"keep). Received: {counts}. Change the split's sizes and build the cache again."
        )


def _sha256(path: Path | None) -> str | None:
    return path and manifest.sha256_file(path)
