"""Trains a classifier of sequences on a cache of clips: who walks there, what is done.

What lies in the folder, and what becomes of a training that is killed, stands in `phases`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import keras

from cache.store import Cache
from stage2_classifier import phases, sequence_augment
from stage2_classifier.history import History
from stage2_classifier.models import learning, sequences

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
    keep: Literal["best", "last"] = "best",
    class_weights: bool = False,
    augment: Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int = 2,
    finish: bool = False,
    logs: Path | None = None,
    on_progress: phases.Progress | None = None,
) -> History:
    """Trains, or goes on with an interrupted training, or returns the history of a finished one.

    Args:
        cache: Of clips. Its split "train" is learned from. "val" chooses the epoch; where it is
            empty, all epochs are run, and the last one is kept.
        out: Folder for what the header of `phases` lists.
        model: A key of `models.sequences.SEQUENCE_MODELS`.
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
        patience: Epochs without a lower validation loss after which training ends; None: none.
        keep: "best": the epoch with the lowest validation loss; "last": the last one.
        class_weights: Whether rare classes weigh more, by n / (classes * n_class).
        augment: Keywords of `sequence_augment.build`; None for no augmentation.
        seed: Of everything random.
        threads: Of TensorFlow; another number gives slightly other weights.
        finish: Whether to train no further and keep an epoch of those that were trained.
        logs: Folder for TensorBoard, see `phases.run`.
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
    asked |= {"options": {**sequences.options_of(model), **(options or {})}}
    asked |= {"augment": dict(augment) if augment else None}
    sequences.check_options(model, options or {})
    _check(cache, epochs)
    sequences.load_layers(model)
    phases.claim(out, cache, asked)
    if (out / phases.CLASSIFIER).exists():
        return History.read(out / phases.HISTORY, keep=keep)
    phases.make_deterministic(seed, threads)
    recipe = cache.recipe
    lesson = phases.Lesson(
        cache,
        batch=batch,
        seed=seed,
        augmentation=sequence_augment.build(recipe, **augment) if augment else None,
        class_weights=phases.class_weights(cache) if class_weights else None,
    )

    def begin() -> keras.Model:
        network = sequences.build(
            model,
            recipe_shape=recipe.shape,
            skeleton=recipe.body,
            classes=len(cache.classes),
            dropout=dropout,
            **(options or {}),
        )
        rate = learning.rate(
            learning_rate,
            schedule,
            steps=epochs * lesson.steps,
            warmup_steps=round(warmup_epochs * lesson.steps),
        )
        return learning.compile_with(network, rate, weight_decay, label_smoothing)

    if finish:
        phases.note_early_end(out, epochs)
        return phases.finish(out, keep=keep)
    phase = phases.Phase("train", epochs, begin)
    phases.run([phase], lesson, out, patience=patience, logs=logs, on_progress=on_progress)
    return phases.finish(out, keep=keep)


def _check(cache: Cache, epochs: int) -> None:
    if not cache.of_split("train"):
        raise ValueError(
            "Training needs sequences in the split 'train'. Received: none. Change the split's "
            "sizes and build the cache again."
        )
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1. Received: {epochs}")
