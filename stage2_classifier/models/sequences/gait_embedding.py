"""Joint maps -> residual CNN, frame by frame -> recurrent layers -> mean over time: an embedding.

Trained as a classifier of people, it recognises people it was never trained on: their embeddings
are compared (`stage2_classifier.scores.retrieval`) or learned by a linear classifier. Source: a
published gait recognition from pose feature maps; bottlenecks as in He et al., "Deep Residual
Learning for Image Recognition", CVPR 2016.
"""

from collections.abc import Sequence
from typing import Literal

import keras

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.stage2_classifier.models.layers.motion_layers import FrameMask, MaskedMean
from pose_activity.stage2_classifier.models.layers.recurrent import MOMENTUM, recurrent_layer


def gait_embedding(
    *,
    recipe_shape: tuple[int, ...],
    skeleton: Skeleton,
    classes: int,
    dropout: float = 0.0,
    widths: Sequence[int] = (256, 512, 512),
    units: Sequence[int] = (512,),
    cell: Literal["lstm", "gru"] = "gru",
) -> keras.Model:
    """Builds the model; see `models.sequences.registry` for what all models share.

    Args:
        recipe_shape: (T, H, W, K) of a tensor.
        skeleton: Names its K joints.
        classes: Number of answers: the people trained on.
        dropout: Share of the embedding left out in training.
        widths: Channels of each residual block's answer; each halves height and width.
        units: Of each recurrent layer, from below; the embedding has as many as the last one.
        cell: Kind of the recurrent layers.

    Raises:
        ValueError: the tensors are not maps of these joints.
    """
    if len(recipe_shape) != 4 or recipe_shape[3] != len(skeleton):
        raise ValueError(
            "gait_embedding takes joint maps, tensors (frames, height, width, "
            f"{len(skeleton)}). Received: {recipe_shape}. Build the cache with kind 'maps'."
        )
    frames, *picture = recipe_shape
    tensors = keras.Input(recipe_shape, name="sequences")
    mask = FrameMask(name="mask")(tensors)
    # As one batch of pictures: Keras' TimeDistributed would become a loop.
    pictures = keras.ops.reshape(tensors, (-1, *picture))
    sequence = keras.ops.reshape(_encode(pictures, widths), (-1, frames, widths[-1]))
    for count in units:
        sequence = recurrent_layer(sequence, mask, count, kind=cell)
    embedding = MaskedMean(name="embedding")(sequence, mask)
    kept = keras.layers.Dropout(dropout)(embedding)
    answers = keras.layers.Dense(classes, activation="softmax", name="head")(kept)
    return keras.Model(tensors, answers, name="gait_embedding")


def _encode(pictures, widths: Sequence[int]):
    """Returns `(N, widths[-1])` of `(N, H, W, K)` maps in 0..255, symbolic."""
    x = keras.layers.Rescaling(1 / 255)(pictures)
    for width in widths:
        shortcut = _normalised(keras.layers.Conv2D(width, 1, strides=2, use_bias=False)(x))
        x = _bottleneck(x, width)
        x = keras.layers.ReLU()(keras.layers.Add()([x, shortcut]))
    return keras.layers.GlobalAveragePooling2D()(x)


def _bottleneck(x, width: int):
    """1x1 to a quarter of the channels, 3x3 with stride 2, 1x1 to all of them."""
    narrow = max(1, width // 4)
    for channels, kernel, stride in ((narrow, 1, 1), (narrow, 3, 2)):
        x = keras.layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(_normalised(x))
    return _normalised(keras.layers.Conv2D(width, 1, use_bias=False)(x))


def _normalised(x):
    return keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
