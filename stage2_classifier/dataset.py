"""A cache into batches for Keras: uint8 tensors of one split become float32 pixels in 0..255.

The order and the augmentation of an epoch follow from (seed, epoch) alone, so an interrupted
training meets the same batches when it goes on.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from cache.store import Cache, Entry
from stage2_classifier.augment import Augmentation, training_seed


def epoch_order(count: int, *, seed: int, epoch: int) -> np.ndarray:
    """Returns a permutation of `count` indices that follows from (seed, epoch)."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def train_batches(
    cache: Cache, *, batch: int, seed: int, epoch: int, augmentation: Augmentation | None
) -> tf.data.Dataset:
    """Builds the batches of one training epoch.

    Args:
        cache: Its split "train" is read.
        batch: Tensors per batch; the last one may be smaller.
        seed: Of the whole training.
        epoch: Counted from 0 over all phases.
        augmentation: Changes each tensor, or None.

    Returns:
        Batches of float32 `(B, H, W, C)` pixels in 0..255 and int32 `(B,)` class ids.
    """
    entries = cache.of_split("train")
    order = epoch_order(len(entries), seed=seed, epoch=epoch)

    def tensors() -> Iterator[tuple[np.ndarray, int]]:
        for index in order.tolist():
            tensor = cache.load(entries[index], verify=True)
            if augmentation:
                tensor = augmentation(tensor, training_seed(seed, epoch, index))
            yield tensor, cache.class_id(entries[index])

    return _batches(cache, tensors, len(entries), batch)


def fixed_batches(cache: Cache, entries: Sequence[Entry], *, batch: int) -> tf.data.Dataset:
    """Builds batches of `entries` in their order, unchanged; shapes as in `train_batches`."""

    def tensors() -> Iterator[tuple[np.ndarray, int]]:
        for entry in entries:
            yield cache.load(entry, verify=True), cache.class_id(entry)

    return _batches(cache, tensors, len(entries), batch)


def _batches(cache: Cache, tensors, count: int, batch: int) -> tf.data.Dataset:
    recipe = cache.recipe
    signature = (
        tf.TensorSpec((recipe.height, recipe.width, recipe.channels), tf.uint8),
        tf.TensorSpec((), tf.int32),
    )
    data = tf.data.Dataset.from_generator(tensors, output_signature=signature)
    data = data.apply(tf.data.experimental.assert_cardinality(count)).batch(batch)
    return data.map(lambda x, y: (tf.cast(x, tf.float32), y)).prefetch(2)
