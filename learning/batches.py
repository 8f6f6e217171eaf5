"""A cache into batches for Keras: the examples of one split, inputs as float32 of the same values.

A target is a class id, or what the cache stores as one (a map of classes), as it is; where examples
are mixed, shares of classes. Order, augmentation and mixture of an epoch follow from (seed, epoch)
alone, so an interrupted training meets the same batches when it goes on.
"""

import ctypes
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from pose_activity.cache.record import Entry, Example, X, Y
from pose_activity.cache.store import Cache
from pose_activity.learning.augmentation_seed import Augmentation, training_seed

_MOST = 4096  # examples in a batch that is mixed
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h


def epoch_order(count: int, *, seed: int, epoch: int) -> np.ndarray:
    """Returns a permutation of `count` indices that follows from (seed, epoch)."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def balanced_order(ids: np.ndarray, *, seed: int, epoch: int) -> np.ndarray:
    """Returns as many indices as there are examples, from each class as many, or one more.

    Args:
        ids: `(N,)` class ids of the examples.
        seed: Of the whole training.
        epoch: Counted from 0 over all phases.

    Returns:
        `(N,)` in random order. A class with fewer examples repeats all of them, one with more
        leaves some out, others in each epoch.
    """
    rng = np.random.default_rng((seed, epoch))
    present = rng.permutation(np.unique(ids))
    shares = np.full(len(present), len(ids) // len(present))
    shares[: len(ids) % len(present)] += 1
    drawn = []
    for name, share in zip(present, shares, strict=True):
        own = np.flatnonzero(ids == name)
        rounds = [rng.permutation(own) for _ in range(-(-share // len(own)))]
        drawn.append(np.concatenate(rounds)[:share])
    return rng.permutation(np.concatenate(drawn))


def train_batches(
    cache: Cache,
    *,
    batch: int,
    seed: int,
    epoch: Callable[[], int],
    augmentation: Augmentation | None,
    shrink: float = 1.0,
    mixup: float = 0.0,
    balanced: bool = False,
    multiple: int = 1,
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
        shrink: Factor of the height and width of pictures `(H, W, C)`, before augmentation.
        mixup: Above 0, each example is mixed with another of its batch, by a share from Beta(mixup,
            mixup); source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
        balanced: Whether each class comes as often; see `balanced_order`.
        multiple: Number of devices that share a batch: of every batch but the last, its size is a
            multiple.

    Returns:
        Batches of float32 inputs `(B, *shape)`, by name where there are several, and of targets:
        int32 `(B,)` class ids, or `(B, *shape)` of the recipe's array "y"; with `mixup` float32
        `(B, C)` shares of classes.
    """
    entries = cache.of_split("train")
    steps = -(-len(entries) // batch)
    ids = np.array([cache.class_id(entry) for entry in entries]) if balanced else None

    def examples() -> Iterator[Example]:
        now = epoch()
        order = (
            epoch_order(len(entries), seed=seed, epoch=now)
            if ids is None
            else balanced_order(ids, seed=seed, epoch=now)
        )
        for position, index in enumerate(order.tolist()):
            example = cache.load(entries[index], verify=True)
            example = Example(_each(partial(_shrunk, factor=shrink), example.x), example.y)
            if augmentation:
                # A picture that comes twice is not changed in the same way twice.
                own = index if ids is None else len(entries) + position
                example = augmentation(example, training_seed(seed, now, own))
            yield example

    size = -(-len(entries) // max(steps, 1))
    size = -(-size // multiple) * multiple
    data = _batches(cache, examples, len(entries), size, shrink=shrink)
    if mixup:
        data = _mixed(data, mixup, classes=len(cache.classes), seed=seed, epoch=epoch)
    return data.prefetch(2)


def fixed_batches(cache: Cache, entries: Sequence[Entry], *, batch: int) -> tf.data.Dataset:
    """Builds batches of `entries` in their order, unchanged; shapes as in `train_batches`."""

    def examples() -> Iterator[Example]:
        for entry in entries:
            yield cache.load(entry, verify=True)

    return _batches(cache, examples, len(entries), batch).prefetch(2)


def _batches(
    cache: Cache,
    examples: Callable[[], Iterator[Example]],
    count: int,
    batch: int,
    shrink: float = 1.0,
) -> tf.data.Dataset:
    """Gathers the batches in Python: each thing that passes into TensorFlow costs as much."""

    def arrays() -> Iterator[tuple[Any, np.ndarray]]:
        _keep_memory()
        drawn = examples()
        while some := list(islice(drawn, batch)):
            x = tf.nest.map_structure(lambda *own: np.stack(own), *(e.x for e in some))
            yield x, np.stack([np.asarray(e.y) for e in some])

    signature = {
        name: tf.TensorSpec((None, *_shrunk_shape(spec.shape, shrink)), spec.dtype)
        for name, spec in cache.recipe.arrays.items()
    }
    target = signature.pop(Y, tf.TensorSpec((None,), tf.int32))
    inputs = signature[X] if [*signature] == [X] else signature
    data = tf.data.Dataset.from_generator(arrays, output_signature=(inputs, target))
    data = data.apply(tf.data.experimental.assert_cardinality(-(-count // batch)))
    return data.map(lambda x, y: (_each(_as_float, x), y))


def _keep_memory() -> None:
    """Lets glibc keep freed memory; call it after a generator's dataset was made.

    That (TensorFlow 2.21's generator_dataset_op.cc) sets M_TRIM_THRESHOLD to 128 kB, after which
    every tensor above that is mapped anew, page by page, in every operation of every step: half of
    a training's CPU time went there. Other C libraries have no mallopt, and no such costs.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _mixed(
    data: tf.data.Dataset, mixup: float, *, classes: int, seed: int, epoch: Callable[[], int]
) -> tf.data.Dataset:
    """Mixes each example of a batch with another one, all of its inputs by the same share."""

    def shares() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        now, number = epoch(), 0
        while True:
            rng = np.random.default_rng((seed, now, number, 1))
            yield rng.beta(mixup, mixup, _MOST).astype(np.float32), rng.random(_MOST)
            number += 1

    drawn = tf.data.Dataset.from_generator(
        shares,
        output_signature=(tf.TensorSpec(_MOST, tf.float32), tf.TensorSpec(_MOST, tf.float64)),
    )

    def mix(batch: tuple[Any, Any], how: tuple[Any, Any]) -> tuple[Any, Any]:
        (x, y), (share, places) = batch, how
        count = tf.shape(y)[0]
        share, others = tf.maximum(share, 1 - share)[:count], tf.argsort(places[:count])

        def blend(array: tf.Tensor) -> tf.Tensor:
            own = tf.reshape(share, (-1, *[1] * (array.shape.rank - 1)))
            return own * array + (1 - own) * tf.gather(array, others)

        return _each(blend, x), blend(tf.one_hot(y, classes))

    mixed = tf.data.Dataset.zip(data, drawn).map(mix)
    return mixed.apply(tf.data.experimental.assert_cardinality(int(data.cardinality())))


def _each(change: Callable[[Any], Any], x: Any) -> Any:
    """Changes the one input, or each of several."""
    if isinstance(x, Mapping):
        return {name: change(array) for name, array in x.items()}
    return change(x)


def _shrunk(array: np.ndarray, factor: float) -> np.ndarray:
    if factor == 1 or array.ndim != 3:
        return array
    height, width, _ = _shrunk_shape(array.shape, factor)
    small = cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA)
    return small.reshape(height, width, -1)  # OpenCV drops an axis of one channel


def _shrunk_shape(shape: tuple[int, ...], factor: float) -> tuple[int, ...]:
    if len(shape) != 3:
        return shape
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor)), shape[2]


def _as_float(array: tf.Tensor) -> tf.Tensor:
    return tf.cast(array, tf.float32)
