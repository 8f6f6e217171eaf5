"""One, two or three recurrent layers over the frames -> batch normalisation -> softmax.

The published gait identification from OpenPose's joints has `lstm`, `bilstm` and `stacked_lstm`;
its authors wished for `gru`. All of them have these options, beside what every model has (see
`models.sequences.registry`):

    units    of the layer, and so of the embedding
    inputs   what the layer is given of a frame; names from `motion_layers.PARTS`
    pool     "last": the layer's output in the last frame; "mean": the mean over the frames
"""

from collections.abc import Sequence
from typing import NotRequired, TypedDict, Unpack

import keras

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.stage2_classifier.models.layers.motion_layers import FrameMask, Part, features_of
from pose_activity.stage2_classifier.models.layers.recurrent import (
    Kind,
    Pool,
    classification_head,
    pool_frames,
    recurrent_layer,
)

Inputs = Sequence[Part]


class Shared(TypedDict):
    """What every model of sequences is given; see `models.sequences.registry`."""

    recipe_shape: tuple[int, ...]
    skeleton: Skeleton
    classes: int
    dropout: NotRequired[float]


def lstm(
    *,
    units: int = 64,
    inputs: Inputs = ("joints",),
    pool: Pool = "last",
    **shared: Unpack[Shared],
) -> keras.Model:
    """Builds one LSTM."""
    return _build("lstm", [units], inputs, pool, **shared)


def bilstm(
    *,
    units: int = 64,
    inputs: Inputs = ("joints",),
    pool: Pool = "last",
    **shared: Unpack[Shared],
) -> keras.Model:
    """Builds two LSTMs, one of which reads backwards.

    Each has `units`, the embedding twice as many; "last" is the last frame that each one reads.
    """
    return _build("bilstm", [units], inputs, pool, both_ways=True, **shared)


def stacked_lstm(
    *,
    units: Sequence[int] = (64, 32, 16),
    inputs: Inputs = ("joints",),
    pool: Pool = "last",
    **shared: Unpack[Shared],
) -> keras.Model:
    """Builds LSTMs, one upon the other; `units` has one number per layer, from below."""
    return _build("stacked_lstm", units, inputs, pool, **shared)


def gru(
    *,
    units: int = 64,
    inputs: Inputs = ("joints",),
    pool: Pool = "last",
    **shared: Unpack[Shared],
) -> keras.Model:
    """Builds one GRU."""
    return _build("gru", [units], inputs, pool, kind="gru", **shared)


def _build(
    name: str,
    units: Sequence[int],
    inputs: Inputs,
    pool: Pool,
    *,
    kind: Kind = "lstm",
    both_ways: bool = False,
    recipe_shape: tuple[int, ...],
    skeleton: Skeleton,
    classes: int,
    dropout: float = 0.0,
) -> keras.Model:
    tensors = keras.Input(recipe_shape, name="sequences")
    mask = FrameMask(name="mask")(tensors)
    sequence = features_of(tensors, skeleton, inputs)  # (B, T, F)
    for width in units:
        sequence = recurrent_layer(sequence, mask, width, kind=kind, both_ways=both_ways)
    vector = pool_frames(sequence, mask, pool=pool, both_ways=both_ways)
    return classification_head(tensors, vector, classes=classes, dropout=dropout, name=name)
