"""Recognises people by the build of the body: robust statistics of a clip, and a small network.

Single joints are noisy, a person's proportions and posture are not: joints, bones and angles of all
frames, of everybody walking the same way and equally tall, are described by their quantiles over
time, movement by its deviation. The embedding is one hidden layer (or these statistics); the head
compares that layer by angle with a vector for each person. The order of frames matters for the
speed of the joints alone.
"""

from collections.abc import Sequence

import keras

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.stage2_classifier.models.layers.gait_layers import (
    CosineHead,
    Moments,
    Motion,
    Quantiles,
    build_of,
    face_right,
)
from pose_activity.stage2_classifier.models.layers.motion_layers import FrameMask

_EMBEDDINGS = ("hidden", "statistics")
_MOMENTUM = 0.9  # of batch normalisation: a small data set has few steps


def gait_statistics(
    *,
    recipe_shape: tuple[int, ...],
    skeleton: Skeleton,
    classes: int,
    dropout: float = 0.5,
    units: int = 256,
    quantiles: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
    input_dropout: float = 0.3,
    sharpness: float = 12.0,
    embedding: str = "hidden",
) -> keras.Model:
    """Builds the model; see `models.sequences.registry` for what all models share.

    Args:
        recipe_shape: (T, K, C) of a tensor.
        skeleton: Names its K joints; nose or head top, shoulders, hips and ankles among them.
        classes: Number of answers.
        dropout: Share of the embedding left out in training.
        units: Of the hidden layer, and so of the embedding.
        quantiles: Which ones over time.
        input_dropout: Share of the numbers left out in training.
        sharpness: Of the head: by how much a cosine weighs.
        embedding: What a clip's vector is: the "hidden" layer, or the "statistics" themselves,
            which know nothing of the people that were learned.

    Raises:
        ValueError: another `embedding`, or joints that are not the skeleton's.
    """
    if embedding not in _EMBEDDINGS:
        raise ValueError(f"embedding must be one of {_EMBEDDINGS}. Received: {embedding!r}")
    names = {of: "embedding" if of == embedding else of for of in _EMBEDDINGS}
    tensors = keras.Input(recipe_shape, name="sequences")
    mask = FrameMask(name="mask")(tensors)
    places = face_right(tensors, mask, skeleton)
    shape = build_of(places, skeleton)
    numbers = keras.layers.Concatenate()(
        [
            Quantiles(quantiles, name="quantiles")(shape, mask),
            Moments(name="moments")(shape, mask),
            Moments(name="moments_of_motion")(*Motion(name="motion")(places, mask)),
        ]
    )
    # Its own scale and shift would only double those of the layer that follows.
    alike = keras.layers.BatchNormalization(
        momentum=_MOMENTUM, center=False, scale=False, name=names["statistics"]
    )(numbers)
    kept = keras.layers.Dropout(input_dropout)(alike)
    hidden = keras.layers.Dense(units, activation="relu", name=names["hidden"])(kept)
    vector = keras.layers.Dropout(dropout)(hidden)
    answers = CosineHead(classes, sharpness, name="head")(vector)
    return keras.Model(tensors, answers, name="gait_statistics")
