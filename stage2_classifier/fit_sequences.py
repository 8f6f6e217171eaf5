"""Trains a classifier of sequences on a cache of clips: who walks there, what is done.

What lies in the folder, and what becomes of a training that is killed, stands in `loop`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import keras

from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.cache.store import Cache
from pose_activity.learning import loop, optimization
from pose_activity.learning.augmentation import of_inputs
from pose_activity.learning.epochs import EpochRunner, Phase, weigh_classes
from pose_activity.learning.history import History
from pose_activity.learning.metrics import metrics_for
from pose_activity.stage2_classifier import sequence_augment
from pose_activity.stage2_classifier.models.sequences import registry
from pose_activity.stage2_classifier.options import MONITORS, MonitorName, SequenceAugment

_NOT_ASKED = ("cache", "out", "finish", "logs", "on_progress")  # they do not change the weights


def fit(
    cache: Cache,
    out: Path,
    *,
    model: str = "lstm",
    options: Mapping[str, Any] | None = None,
    dropout: float = 0.0,
    batch: int = 32,
    epochs: int = 50,
    learning_rate: float = 1e-3,
    schedule: Literal["constant", "cosine"] = "constant",
    warmup_epochs: float = 0.0,
    weight_decay: float = 0.0,
    label_smoothing: float = 0.0,
    patience: int | None = None,
    monitor: MonitorName = "loss",
    checkpoint: Literal["best", "last"] = "best",
    class_weights: bool = False,
    augment: SequenceAugment | None = None,
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
        model: A key of `models.sequences.registry.SEQUENCE_MODELS`.
        options: The model's own, see its `build`; None for its defaults.
        dropout: Share of the embedding left out in training.
        batch: Sequences per step.
        epochs: At most.
        learning_rate: Adam's, after the warm-up.
        schedule: "constant", or "cosine": falls to 0 at the last epoch.
        warmup_epochs: In which the learning rate rises from 0, step by step.
        weight_decay: Of all weights, per unit of learning rate; above 0 Adam becomes AdamW.
        label_smoothing: Share of the truth that is spread over all classes, in [0, 1); in the
            history's losses too.
        patience: Epochs without a better value of the monitor after which training ends; None:
            none.
        monitor: Which figure on "val" tells the best epoch; a key of `MONITORS`.
        checkpoint: "best": the best epoch by the monitor; "last": the last one.
        class_weights: Whether rare classes weigh more, by n / (classes * n_class).
        augment: What training sequences go through; None for nothing.
        seed: Of everything random.
        threads: Of TensorFlow; another number gives slightly other weights.
        finish: Whether to train no further and keep an epoch of those that were trained.
        logs: Folder for TensorBoard, see `loop.train`.
        on_progress: Called with (done steps, all steps if nothing stops early, text).

    Returns:
        One entry per epoch.

    Raises:
        ValueError: "train" is empty, there is no epoch to run, no such model or option, or nothing
            to finish.
        FloatingPointError: the loss is no longer finite.
        StaleError: `out` holds a training of other settings or tensors.
    """
    asked = {name: value for name, value in locals().items() if name not in _NOT_ASKED}
    asked |= {"options": {**registry.options_of(model), **(options or {})}}
    asked |= {"augment": asdict(augment) if augment else None}
    registry.check_options(model, options or {})
    _check(cache, epochs)
    registry.load_layers(model)
    judge, recipe = MONITORS[monitor], cache.recipe
    runner = EpochRunner(
        cache,
        batch=batch,
        seed=seed,
        augmentation=of_inputs(sequence_augment.build(recipe, augment)) if augment else None,
        class_weights=weigh_classes(cache) if class_weights else None,
    )

    def begin() -> keras.Model:
        network = registry.build(
            model,
            recipe_shape=recipe.shape,
            skeleton=recipe.body,
            classes=len(cache.classes),
            dropout=dropout,
            **(options or {}),
        )
        rate = optimization.rate(
            learning_rate,
            schedule,
            steps=epochs * runner.steps,
            warmup_steps=round(warmup_epochs * runner.steps),
        )
        return optimization.compile_with(
            network, rate, weight_decay, label_smoothing, metrics_for(judge)
        )

    return loop.train(
        [Phase("train", epochs, begin)],
        runner,
        out,
        asked=asked,
        threads=threads,
        patience=patience,
        monitor=judge,
        checkpoint=checkpoint,
        finish=finish,
        logs=logs,
        on_progress=on_progress,
    )


def _check(cache: Cache, epochs: int) -> None:
    if not cache.of_split("train"):
        raise ValueError(
            "Training needs sequences in the split 'train'. Received: none. Change the split's "
            "sizes and build the cache again."
        )
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1. Received: {epochs}")
