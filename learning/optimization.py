"""How a model is set up to learn: which layers move, how fast, in which precision, which dropout.

Knows layers by the names that `backbones.registry` promises; nothing of data or epochs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import keras
import numpy as np

from pose_activity.learning.scoring import SmoothedCrossentropy

Metrics = Sequence[str | keras.metrics.Metric]  # new ones for each call
ACCURACY = ("accuracy",)


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Sets the precision of the layers that are built, and restores the one before."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def freeze(
    network: keras.Model, train_adapter: bool, learning_rate: float, metrics: Metrics = ACCURACY
) -> keras.Model:
    """Holds the backbone still; the head learns, and the adapter if asked."""
    network.get_layer("backbone").trainable = False
    network.get_layer("adapter").trainable = train_adapter
    return _compile(network, learning_rate, metrics)


def thaw(
    network: keras.Model, layers: int | None, learning_rate: float, metrics: Metrics = ACCURACY
) -> keras.Model:
    """Lets the adapter and the backbone's last layers learn, never batch normalisation."""
    # One by one: the whole model's flag is True already, and setting it so again does nothing.
    for name in ("adapter", "backbone", "head"):
        network.get_layer(name).trainable = True
    inner = network.get_layer("backbone").layers
    frozen = len(inner) - (len(inner) if layers is None else min(layers, len(inner)))
    for position, layer in enumerate(inner):
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = position >= frozen and not normalises
    return _compile(network, learning_rate, metrics)


def _compile(network: keras.Model, learning_rate: float, metrics: Metrics) -> keras.Model:
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=[*metrics],
    )
    return network


def rate(
    learning_rate: float, schedule: Literal["constant", "cosine"], *, steps: int, warmup_steps: int
) -> Any:
    """Returns what an optimizer takes as its learning rate, step by step.

    Args:
        learning_rate: After the warm-up.
        schedule: "constant", or "cosine": falls to 0 at the last step.
        steps: Of the whole training.
        warmup_steps: In which it rises from 0.

    Raises:
        ValueError: another `schedule`, or a warm-up longer than the training.
    """
    if schedule not in ("constant", "cosine"):
        raise ValueError(f"schedule must be 'constant' or 'cosine'. Received: {schedule!r}")
    if not 0 <= warmup_steps < steps:
        raise ValueError(
            "warmup_epochs must be at least 0 and end before the last epoch. Received: "
            f"{warmup_steps} of {steps} steps"
        )
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else learning_rate,
        steps - warmup_steps,
        alpha=0.0 if schedule == "cosine" else 1.0,  # where it ends, as a share
        warmup_target=learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )


def compile_with(
    network: keras.Model,
    learning_rate: Any,
    weight_decay: float,
    label_smoothing: float,
    metrics: Metrics = ACCURACY,
) -> keras.Model:
    """Lets all of a network learn.

    Args:
        network: From tensors to probabilities.
        learning_rate: See `rate`.
        weight_decay: Above 0 Adam becomes AdamW.
        label_smoothing: Share of the truth that is spread over all classes, in [0, 1).
        metrics: What is measured besides the loss.
    """
    optimizer = (
        keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay)
        if weight_decay
        else keras.optimizers.Adam(learning_rate)
    )
    network.compile(
        optimizer=optimizer, loss=SmoothedCrossentropy(label_smoothing), metrics=[*metrics]
    )
    return network


def reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Sets every dropout's generator: checkpoints do not hold their state."""
    states = [v for v in network.variables if v.name == "seed_generator_state"]
    for number, state in enumerate(states):
        state.assign(np.random.default_rng((seed, epoch, number)).integers(2**31, size=2))
