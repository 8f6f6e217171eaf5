"""How a model is set up to learn: which layers move, in which precision, with which dropout.

Knows layers by the names that `models.registry` promises; nothing of data or epochs.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Sets the precision of the layers that are built, and restores the one before."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def freeze(network: keras.Model, train_adapter: bool, learning_rate: float) -> keras.Model:
    """Holds the backbone still; the head learns, and the adapter if asked."""
    network.get_layer("backbone").trainable = False
    network.get_layer("adapter").trainable = train_adapter
    return _compile(network, learning_rate)


def thaw(network: keras.Model, layers: int | None, learning_rate: float) -> keras.Model:
    """Lets the adapter and the backbone's last layers learn, never batch normalisation."""
    # One by one: the whole model's flag is True already, and setting it so again does nothing.
    for name in ("adapter", "backbone", "head"):
        network.get_layer(name).trainable = True
    inner = network.get_layer("backbone").layers
    frozen = len(inner) - (len(inner) if layers is None else min(layers, len(inner)))
    for position, layer in enumerate(inner):
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = position >= frozen and not normalises
    return _compile(network, learning_rate)


def _compile(network: keras.Model, learning_rate: float) -> keras.Model:
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


def reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Sets every dropout's generator: checkpoints do not hold their state."""
    states = [v for v in network.variables if v.name == "seed_generator_state"]
    for number, state in enumerate(states):
        state.assign(np.random.default_rng((seed, epoch, number)).integers(2**31, size=2))
