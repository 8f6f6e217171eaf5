"""Two LSTMs, one of which reads backwards: 64 units each -> batch normalisation -> softmax.

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
    units: int = 64,
    inputs: Sequence[Part] = ("joints",),
    pool: Literal["last", "mean"] = "last",
) -> keras.Model:
    """Builds the model; see `models.sequences` for what all models share.

    Args:
        recipe_shape: (T, K, C) of a tensor.
        skeleton: Names its K joints.
        classes: Number of answers.
        dropout: Share of the embedding left out in training.
        units: Of each LSTM; the embedding has twice as many.
        inputs: What they are given of a frame; names from `motion_layers.PARTS`.
        pool: "last": what each says in the last frame that it reads; "mean": the mean over the
            frames.
    """
    tensors = keras.Input(recipe_shape, name="sequences")
    mask = FrameMask(name="mask")(tensors)
    features = features_of(tensors, skeleton, inputs)
    sequence = recurrent_layer(features, mask, units, both_ways=True)
    vector = pool_frames(sequence, mask, pool=pool, both_ways=True)
    return classification_head(tensors, vector, classes=classes, dropout=dropout, name="bilstm")
