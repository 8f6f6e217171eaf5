"""Three LSTMs, one upon the other: 64, 32, 16 units -> batch normalisation -> softmax.

Source: the published gait identification from OpenPose's joints.
"""

from collections.abc import Sequence
from typing import Literal

import keras

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.stage2_classifier.models.layers.motion_layers import FrameMask, Part, features_of
from pose_activity.stage2_classifier.models.layers.recurrent import (
    classification_head,
    pool_frames,
    recurrent_layer,
)


def build(
    *,
    recipe_shape: tuple[int, ...],
    skeleton: Skeleton,
    classes: int,
    dropout: float = 0.0,
    units: Sequence[int] = (64, 32, 16),
    inputs: Sequence[Part] = ("joints",),
    pool: Literal["last", "mean"] = "last",
) -> keras.Model:
    """Builds the model; see `models.sequences` for what all models share.

    Args:
        recipe_shape: (T, K, C) of a tensor.
        skeleton: Names its K joints.
        classes: Number of answers.
        dropout: Share of the embedding left out in training.
        units: Of each LSTM, from below; the embedding has as many as the last one.
        inputs: What the first is given of a frame; names from `motion_layers.PARTS`.
        pool: "last": what the uppermost says in the last frame; "mean": the mean over the frames.
    """
    tensors = keras.Input(recipe_shape, name="sequences")
    mask = FrameMask(name="mask")(tensors)
    sequence = features_of(tensors, skeleton, inputs)
    for width in units:
        sequence = recurrent_layer(sequence, mask, width)
    vector = pool_frames(sequence, mask, pool=pool)
    return classification_head(
        tensors, vector, classes=classes, dropout=dropout, name="stacked_lstm"
    )
