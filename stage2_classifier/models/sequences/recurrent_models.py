"""One, two or three recurrent layers over the frames -> batch normalisation -> softmax.

The published gait identification from OpenPose's joints has `lstm`, `bilstm` and `stacked_lstm`;
its authors wished for `gru`.
"""

from collections.abc import Sequence

import keras

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.stage2_classifier.models.layers.motion_layers import FrameMask, Part, features_of
from pose_activity.stage2_classifier.models.layers.recurrent import (
    Pool,
    classification_head,
    pool_frames,
    recurrent_layer,
)


def lstm(
    *,
    recipe_shape: tuple[int, ...],
    skeleton: Skeleton,
    classes: int,
    dropout: float = 0.0,
    units: int = 64,
    inputs: Sequence[Part] = ("joints",),
    pool: Pool = "last",
) -> keras.Model:
    """Builds one LSTM; see `models.sequences.registry` for what all models share.

    Args:
        recipe_shape: (T, K, C) of a tensor.
        skeleton: Names its K joints.
        classes: Number of answers.
        dropout: Share of the embedding left out in training.
        units: Of the layer, and so of the embedding.
        inputs: What the layer is given of a frame; names from `motion_layers.PARTS`.
        pool: "last": the layer's output in the last frame; "mean": the mean over the frames.
    """
    tensors, mask, sequence = _frames(recipe_shape, skeleton, inputs)
    sequence = recurrent_layer(sequence, mask, units)
    vector = pool_frames(sequence, mask, pool=pool)
    return classification_head(tensors, vector, classes=classes, dropout=dropout, name="lstm")


def bilstm(
    *,
    recipe_shape: tuple[int, ...],
    skeleton: Skeleton,
    classes: int,
    dropout: float = 0.0,
    units: int = 64,
    inputs: Sequence[Part] = ("joints",),
    pool: Pool = "last",
) -> keras.Model:
    """Builds two LSTMs, one of which reads backwards; arguments as in `lstm`.

    Each has `units`, the embedding twice as many; "last" is the last frame that each one reads.
    """
    tensors, mask, sequence = _frames(recipe_shape, skeleton, inputs)
    sequence = recurrent_layer(sequence, mask, units, both_ways=True)
    vector = pool_frames(sequence, mask, pool=pool, both_ways=True)
    return classification_head(tensors, vector, classes=classes, dropout=dropout, name="bilstm")


def stacked_lstm(
    *,
    recipe_shape: tuple[int, ...],
    skeleton: Skeleton,
    classes: int,
    dropout: float = 0.0,
    units: Sequence[int] = (64, 32, 16),
    inputs: Sequence[Part] = ("joints",),
    pool: Pool = "last",
) -> keras.Model:
    """Builds LSTMs, one upon the other; arguments as in `lstm`.

    `units` has one number per layer, from below; the embedding has as many as the last one.
    """
    tensors, mask, sequence = _frames(recipe_shape, skeleton, inputs)
    for width in units:
        sequence = recurrent_layer(sequence, mask, width)
    vector = pool_frames(sequence, mask, pool=pool)
    return classification_head(
        tensors, vector, classes=classes, dropout=dropout, name="stacked_lstm"
    )


def gru(
    *,
    recipe_shape: tuple[int, ...],
    skeleton: Skeleton,
    classes: int,
    dropout: float = 0.0,
    units: int = 64,
    inputs: Sequence[Part] = ("joints",),
    pool: Pool = "last",
) -> keras.Model:
    """Builds one GRU; arguments as in `lstm`."""
    tensors, mask, sequence = _frames(recipe_shape, skeleton, inputs)
    sequence = recurrent_layer(sequence, mask, units, kind="gru")
    vector = pool_frames(sequence, mask, pool=pool)
    return classification_head(tensors, vector, classes=classes, dropout=dropout, name="gru")


def _frames(recipe_shape: tuple[int, ...], skeleton: Skeleton, inputs: Sequence[Part]):
    """Returns the input, its mask `(B, T)` and the features `(B, T, F)` of its frames, symbolic."""
    tensors = keras.Input(recipe_shape, name="sequences")
    mask = FrameMask(name="mask")(tensors)
    return tensors, mask, features_of(tensors, skeleton, inputs)
