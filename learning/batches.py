"""A cache into batches for Keras: the examples of one split, inputs as float32 of the same values.

A target is a class id, or what the cache stores as one (a map of classes), as it is. The order and
the augmentation of an epoch follow from (seed, epoch) alone, so an interrupted training meets the
same batches when it goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from pose_activity.cache.record import Entry, Example, X, Y
from pose_activity.cache.store import Cache
from pose_activity.learning.augmentation import Augmentation, training_seed


def epoch_order(count: int, *, seed: int, epoch: int) -> np.ndarray:
    """Returns a permutation of `count` indices that follows from (seed, epoch)."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def train_batches(
    cache: Cache,
    *,
    batch: int,
    seed: int,
    epoch: Callable[[], int],
    augmentation: Augmentation | None,
) -> tf.data.Dataset:
    """Builds the batches of training epochs, which may be read as often as there are epochs.

    Args:
        cache: Its split "train" is read.
        batch: Tensors per batch at most. They are dealt evenly, so that no epoch ends with a batch
            of one or two, whose statistics batch normalisation would take for the last word.
        seed: Of the whole training.
        epoch: Tells, whenever the first batch is drawn, which epoch it is, counted from 0 over all
            phases. (Building these batches costs more than an epoch of short sequences.)
        augmentation: Changes each example, inputs and target, or None.

    Returns:
        Batches of float32 inputs `(B, *shape)`, by name where there are several, and of targets:
        int32 `(B,)` class ids, or `(B, *shape)` of the recipe's array "y".
    """
    entries = cache.of_split("train")
    steps = -(-len(entries) // batch)

    def examples() -> Iterator[Example]:
        now = epoch()
        for index in epoch_order(len(entries), seed=seed, epoch=now).tolist():
            example = cache.load(entries[index], verify=True)
            if augmentation:
                example = augmentation(example, training_seed(seed, now, index))
            yield example

    return _batches(cache, examples, len(entries), -(-len(entries) // max(steps, 1)))


def fixed_batches(cache: Cache, entries: Sequence[Entry], *, batch: int) -> tf.data.Dataset:
    """Builds batches of `entries` in their order, unchanged; shapes as in `train_batches`."""

    def examples() -> Iterator[Example]:
        for entry in entries:
            yield cache.load(entry, verify=True)

    return _batches(cache, examples, len(entries), batch)


def _batches(
    cache: Cache, examples: Callable[[], Iterator[Example]], count: int, batch: int
) -> tf.data.Dataset:
    """Gathers the batches in Python: each thing that passes into TensorFlow costs as much."""

    def arrays() -> Iterator[tuple[Any, np.ndarray]]:
        drawn = examples()
        while some := list(islice(drawn, batch)):
            x = tf.nest.map_structure(lambda *own: np.stack(own), *(e.x for e in some))
            yield x, np.stack([np.asarray(e.y) for e in some])

    signature = {
        name: tf.TensorSpec((None, *spec.shape), spec.dtype)
        for name, spec in cache.recipe.arrays.items()
    }
    target = signature.pop(Y, tf.TensorSpec((None,), tf.int32))
    inputs = signature[X] if [*signature] == [X] else signature
    data = tf.data.Dataset.from_generator(arrays, output_signature=(inputs, target))
    data = data.apply(tf.data.experimental.assert_cardinality(-(-count // batch)))
    return data.map(lambda x, y: (_as_float(x), y)).prefetch(2)


def _as_float(x: Any) -> Any:
    return tf.nest.map_structure(lambda array: tf.cast(array, tf.float32), x)
