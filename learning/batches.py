"""A cache into batches for Keras: the tensors of one split, as float32 of the same values.

That is pixels in 0..255 for pictures, and what `cache.sequence` describes for sequences. The order
and the augmentation of an epoch follow from (seed, epoch) alone, so an interrupted training meets
the same batches when it goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import tensorflow as tf

from pose_activity.cache.record import Entry
from pose_activity.cache.store import Cache
from pose_activity.learning.augmentation import Augmentation, training_seed

Drawn = tuple[np.ndarray, int]  # a tensor and its class id


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
        augmentation: Changes each tensor, or None.

    Returns:
        Batches of float32 `(B, *shape of a tensor)` and int32 `(B,)` class ids.
    """
    entries = cache.of_split("train")
    steps = -(-len(entries) // batch)

    def tensors() -> Iterator[Drawn]:
        now = epoch()
        for index in epoch_order(len(entries), seed=seed, epoch=now).tolist():
            tensor = cache.load(entries[index], verify=True).x
            if augmentation:
                tensor = augmentation(tensor, training_seed(seed, now, index))
            yield tensor, cache.class_id(entries[index])

    return _batches(cache, tensors, len(entries), -(-len(entries) // max(steps, 1)))


def fixed_batches(cache: Cache, entries: Sequence[Entry], *, batch: int) -> tf.data.Dataset:
    """Builds batches of `entries` in their order, unchanged; shapes as in `train_batches`."""

    def tensors() -> Iterator[Drawn]:
        for entry in entries:
            yield cache.load(entry, verify=True).x, cache.class_id(entry)

    return _batches(cache, tensors, len(entries), batch)


def _batches(
    cache: Cache, tensors: Callable[[], Iterator[Drawn]], count: int, batch: int
) -> tf.data.Dataset:
    """Gathers the batches in Python: each thing that passes into TensorFlow costs as much."""

    def arrays() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        drawn = tensors()
        while some := list(islice(drawn, batch)):
            yield np.stack([x for x, _ in some]), np.array([y for _, y in some], np.int32)

    signature = (
        tf.TensorSpec((None, *cache.recipe.shape), cache.recipe.dtype),
        tf.TensorSpec((None,), tf.int32),
    )
    data = tf.data.Dataset.from_generator(arrays, output_signature=signature)
    data = data.apply(tf.data.experimental.assert_cardinality(-(-count // batch)))
    return data.map(lambda x, y: (tf.cast(x, tf.float32), y)).prefetch(2)
