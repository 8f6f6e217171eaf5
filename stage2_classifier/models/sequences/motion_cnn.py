"""Poses, their shape and their motion, through a small 1-D convolutional network over time.

A frame is described in several ways at once (see `motion_layers.PARTS`), so that the network need
not learn distances and speeds from few clips: normalised together, mixed by a convolution of
width 1, then stages of one residual convolution over time each, with half the frames
from stage to stage. The embedding is mean and maximum over the frames in which somebody was found.

Source of the description: Yang et al., "Make Skeleton-based Action Recognition Model Smaller,
Faster and Better" (DD-Net), MMAsia 2019: distances between all joints, slow and fast motion. Its
three branches became one here, since few wide layers cost less than many narrow ones.
"""

from collections.abc import Sequence

import keras

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.stage2_classifier.models.layers.flip_averaging import BothSides, MeanOfSides
from pose_activity.stage2_classifier.models.layers.motion_layers import (
    FrameMask,
    MaskedMean,
    Part,
    ShiftToStart,
    features_of,
)

_MOMENTUM = 0.9  # of batch normalisation: a small data set has few steps


def motion_cnn(
    *,
    recipe_shape: tuple[int, ...],
    skeleton: Skeleton,
    classes: int,
    dropout: float = 0.5,
    inputs: Sequence[Part] = (
        "shape",
        "distances",
        "directions",
        "motion",
        "motion2",
        "motion5",
        "path",
    ),
    widths: Sequence[int] = (64, 64, 96, 128),
    kernel: int = 3,
    layer_dropout: float = 0.1,
    both_sides: bool = True,
) -> keras.Model:
    """Builds the model; see `models.sequences.registry` for what all models share.

    Args:
        recipe_shape: (T, K, C) of a tensor.
        skeleton: Names its K joints.
        classes: Number of answers.
        dropout: Share of the embedding left out in training.
        inputs: What it is given of a frame; names from `motion_layers.PARTS`.
        widths: Channels of the mixture of the inputs, then of each stage; a stage as wide as what
            comes in adds to it, another one is put beside it.
        kernel: Frames that a convolution sees.
        layer_dropout: Share of the channels left out in training after each convolution.
        both_sides: Whether it answers by the mean of the sequence's and its mirrored twin's
            embedding, once trained. In training, let the augmentation mirror.
    """
    tensors = keras.Input(recipe_shape, name="sequences")
    seen = ShiftToStart()(tensors)  # since frames are taken in pairs, from the beginning
    seen = BothSides(skeleton.flip_index)(seen) if both_sides else seen
    mask = keras.layers.Reshape((-1, 1))(FrameMask(name="mask")(seen))
    features = keras.layers.Multiply()([features_of(seen, skeleton, inputs), mask])
    # All that follows then costs half, and motion was computed frame by frame before.
    features, mask = keras.layers.AveragePooling1D(2, padding="same")(features), _halve(mask)
    features = keras.layers.BatchNormalization(momentum=_MOMENTUM)(features)
    first, *rest = widths
    sequence = _convolve(features, mask, first, kernel=1, dropout=layer_dropout)
    for number, width in enumerate(rest):
        if number:
            sequence, mask = _halve(sequence), _halve(mask)
        new = _convolve(sequence, mask, width, kernel=kernel, dropout=layer_dropout)
        same = width == sequence.shape[-1]
        join = keras.layers.Add() if same else keras.layers.Concatenate()
        sequence = join([sequence, new])
    # Nothing is below 0, and missing frames are 0: they never are the maximum.
    pooled = [MaskedMean()(sequence, mask[..., 0]), keras.layers.GlobalMaxPooling1D()(sequence)]
    vector = keras.layers.Concatenate()(pooled)
    vector = MeanOfSides()(vector) if both_sides else vector
    embedding = keras.layers.Identity(name="embedding")(vector)
    kept = keras.layers.Dropout(dropout)(embedding)
    answers = keras.layers.Dense(classes, activation="softmax", name="head")(kept)
    return keras.Model(tensors, answers, name="motion_cnn")


def _halve(sequence):
    """Returns the larger of every two frames."""
    return keras.layers.MaxPooling1D(2, padding="same")(sequence)


def _convolve(sequence, mask, width: int, *, kernel: int, dropout: float):
    """Returns `(B, T, width)`, at least 0; 0 in missing frames, as beyond the ends."""
    seen = keras.layers.Conv1D(width, kernel, padding="same", use_bias=False)(sequence)
    seen = keras.layers.BatchNormalization(momentum=_MOMENTUM)(seen)
    seen = keras.layers.Multiply()([keras.layers.ReLU()(seen), mask])
    return keras.layers.SpatialDropout1D(dropout)(seen) if dropout else seen
