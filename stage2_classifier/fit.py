"""Trains the classifier of pictures: the head on a frozen backbone, then, if asked, all of it.

What lies in the folder, and what becomes of a training that is killed, stands in `loop`.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Literal

import keras

from pose_activity.artifacts import manifest
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.backbones import registry
from pose_activity.cache.store import Cache
from pose_activity.learning import loop, optimization
from pose_activity.learning.augmentation import of_inputs
from pose_activity.learning.epochs import EpochRunner, Phase, weigh_classes
from pose_activity.learning.history import History
from pose_activity.learning.metrics import metrics_for
from pose_activity.stage2_classifier import augment as augmentations
from pose_activity.stage2_classifier.models.images import assembly
from pose_activity.stage2_classifier.options import MONITORS, Augment, MonitorName

_NOT_ASKED = ("cache", "out", "finish", "logs", "on_progress")  # they do not change the weights


def fit(
    cache: Cache,
    out: Path,
    *,
    model: str = "efficientnet_lite0",
    weights: str = "imagenet",
    adapter_start: Literal["identity", "random", "branch"] = "identity",
    train_adapter: bool = True,
    dropout: float = 0.2,
    batch: int = 32,
    epochs: int = 25,
    learning_rate: float = 1e-3,
    fine_tune_epochs: int = 0,
    fine_tune_learning_rate: float = 1e-4,
    fine_tune_layers: int | None = None,
    patience: int = 5,
    monitor: MonitorName = "loss",
    class_weights: bool = False,
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32",
    augment: Augment | None = None,
    replicas: int = 1,
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
        model: A key of `backbones.registry.MODELS`.
        weights: "none", a name that the model publishes, or a path; see `registry.find_weights`.
        adapter_start: See `models.images.adapter`.
        train_adapter: Whether the two adapter convolutions learn from the first epoch on. An
            untrained identity adapter sees RGB only; training it costs more than twice the time,
            since the gradient must then pass the whole backbone.
        dropout: Share of features left out in training.
        batch: Images per step.
        epochs: At most, with a frozen backbone; may be 0.
        learning_rate: Adam's, with a frozen backbone.
        fine_tune_epochs: At most, after those; 0 for none.
        fine_tune_learning_rate: Adam's, then.
        fine_tune_layers: How many of the backbone's last layers learn then; None for all. Its
            batch normalisation stays in inference mode always.
        patience: Epochs without a better value of the monitor after which a phase ends.
        monitor: Which figure on "val" chooses the epoch to keep; a key of `MONITORS`.
        class_weights: Whether rare classes weigh more, by n / (classes * n_class).
        precision: Of the arithmetic in training, by Keras' names; a mixed one is faster on hardware
            that has it. The head computes in float32, weights and `classifier.keras` are float32.
        augment: What training images go through; None for nothing.
        replicas: Accelerators of this machine that share every batch; see
            `learning.distribution`.
        seed: Of everything random.
        threads: Of TensorFlow; another number gives slightly other weights.
        finish: Whether to train no further and keep the best epoch of those that were trained.
        logs: Folder for TensorBoard: what the history tells, from its first epoch on, and
            `out`/augmentations.png where it is there. None for none.
        on_progress: Called with (done steps, all steps if nothing stops early, text); before the
            first step with what `registry.find_weights` says.

    Returns:
        One entry per epoch.

    Raises:
        ValueError: "train" or "val" is empty, there is no epoch to run, no such weights, or nothing
            to finish.
        WeightsError: the weights could not be downloaded.
        FloatingPointError: the loss is no longer finite.
        StaleError: `out` holds a training of other settings or tensors.
    """
    asked = {name: value for name, value in locals().items() if name not in _NOT_ASKED}
    check_splits(cache)
    _check_epochs(epochs + fine_tune_epochs)
    start = registry.find_weights(model, weights, on_progress=on_progress)
    asked |= {"augment": asdict(augment) if augment else None, "weights_sha256": _sha256(start)}
    judge = MONITORS[monitor]

    def build(weights: Path | None) -> keras.Model:
        recipe = cache.recipe
        return assembly.build(
            model,
            height=recipe.height,
            width=recipe.width,
            planes=recipe.planes,
            classes=len(cache.classes),
            weights=weights,
            adapter_start=adapter_start,
            dropout=dropout,
        )

    def begin() -> keras.Model:
        return optimization.freeze(build(start), train_adapter, learning_rate, metrics_for(judge))

    def begin_fine_tuning() -> keras.Model:
        history = History.read(out / loop.HISTORY, monitor=judge)
        best = history.best.epoch if history.epochs else None
        network = begin() if best is None else loop.load_state(out, best)
        return optimization.thaw(
            network, fine_tune_layers, fine_tune_learning_rate, metrics_for(judge)
        )

    return loop.train(
        (
            Phase("head", epochs, begin),
            Phase("fine_tune", fine_tune_epochs, begin_fine_tuning),
        ),
        EpochRunner(
            cache,
            batch=batch,
            seed=seed,
            augmentation=of_inputs(augmentations.build(cache.recipe.planes, augment))
            if augment
            else None,
            class_weights=weigh_classes(cache) if class_weights else None,
            replicas=replicas,
        ),
        out,
        asked=asked,
        threads=threads,
        patience=patience,
        monitor=judge,
        precision=precision,
        rebuild=None if precision == "float32" and replicas == 1 else lambda: build(None),
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


def _check_epochs(epochs: int) -> None:
    if epochs < 1:
        raise ValueError(f"epochs + fine_tune_epochs must be at least 1. Received: {epochs}")


def _sha256(path: Path | None) -> str | None:
    return path and manifest.sha256_file(path)
