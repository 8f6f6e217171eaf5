"""Flip averaging: a model's output is the mean over a sequence and its mirrored twin.

Training sees the sequences as they are, since its augmentation mirrors them.
"""

from collections.abc import Sequence
from typing import Any

import keras

ops: Any = keras.ops  # its own types say that everything may be None

_register = keras.saving.register_keras_serializable(package="pose_activity")


@_register
class BothSides(keras.layers.Layer):
    """`(B, T, K, C)` joints to `(2 B, T, K, C)`: they, then mirrored; in training they alone.

    Args:
        flip: For each joint, the one that takes its place in a mirror.
    """

    def __init__(self, flip: Sequence[int], **options) -> None:
        super().__init__(**options)
        self.flip = tuple(int(joint) for joint in flip)

    def call(self, inputs, training=False):
        """Returns `(B | 2 B, T, K, C)`."""
        if training:
            return inputs
        swapped = ops.take(inputs, self.flip, axis=2)
        mirrored = ops.concatenate([-swapped[..., :1], swapped[..., 1:]], axis=-1)
        return ops.concatenate([inputs, mirrored], axis=0)

    def compute_output_spec(self, inputs, training=False):
        """Returns what any number of sequences becomes: any number."""
        return keras.KerasTensor((None, *inputs.shape[1:]), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "flip": self.flip}


@_register
class MeanOfSides(keras.layers.Layer):
    """`(2 B, D)` vectors of `BothSides` to `(B, D)`: their means; in training unchanged."""

    def call(self, vectors, training=False):
        """Returns `(B, D)`."""
        if training:
            return vectors
        return ops.mean(ops.reshape(vectors, (2, -1, vectors.shape[-1])), axis=0)

    def compute_output_spec(self, vectors, training=False):
        """Returns the same as in training."""
        return keras.KerasTensor(vectors.shape, vectors.dtype)
