"""Where a classifier looked: class activation maps as further outputs, one per view.

Source: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016. Works for
every model that `assembly` joined; made for an export, and never saved.
"""

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

PROBABILITIES, MAP = "probabilities", "activation_map"


def with_activation_map(
    network: keras.Model, *, mirror: bool = False
) -> tuple[keras.Model, tuple[str, ...]]:
    """Adds the maps of the most probable class.

    Args:
        network: Joined by `assembly`, of fixed sizes.
        mirror: Whether the probabilities are the means over a picture and its mirror image.

    Returns:
        A model of the same weights and its outputs' names: the probabilities `(B, classes)`, then
        for each view `(B, h, w)` float32, the sum over the features, each weighted by the head for
        that class where it is averaged. The first map is `activation_map`, that of another view
        `activation_map_NAME`. With average pooling alone, the means of all views' maps, summed,
        plus the head's bias, are the logit of the class (and `found` adds its own weight).
    """
    views = [*_views(network)]
    inputs, (answer, *seen) = network.input, [network.output, *(f for _, f, _ in views)]
    if mirror:
        inner = keras.Model(inputs, [answer, *seen])
        answer, *seen = inner(_each(_WithMirrored(), inputs))
        answer, *seen = _MeanOfBoth()(answer), *(_FirstOfBoth()(features) for features in seen)
    outputs, names = [answer], [PROBABILITIES]
    for (view, _, start), features in zip(views, seen, strict=True):
        names.append(f"{MAP}_{view}" if names[1:] else MAP)
        layer = _ActivationMap(network.get_layer("head"), start, name=names[-1])
        outputs.append(layer(features, answer))
    return keras.Model(inputs, outputs), tuple(names)


def _views(network: keras.Model) -> Iterator[tuple[str, Any, int]]:
    """Yields each averaged view: its name, its features, and the head's first row for them."""
    shown = {"pool", *(f"mean_{tensor.name}" for tensor in network.inputs)}
    pools = {id(layer.output): layer for layer in network.layers if layer.name in shown}
    joins = any(layer.name == "features" for layer in network.layers)
    parts = network.get_layer("features").input if joins else [network.get_layer("dropout").input]
    start = 0
    for part in parts:
        pool = pools.get(id(part))
        if pool:
            yield pool.name.removeprefix("mean_"), pool.input, start
        start += part.shape[-1]


def _each(change: Any, inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return {name: change(one) for name, one in inputs.items()}
    return change(inputs)


class _ActivationMap(keras.layers.Layer):
    """`(B, h, w, F)` features and `(B, C)` probabilities to `(B, h, w)`.

    In TensorFlow's functions: keras.ops.argmax becomes nodes that ONNX Runtime does not know.
    """

    def __init__(self, head: keras.layers.Layer, start: int, **options) -> None:
        super().__init__(**options)
        self.head, self.start = head, start

    def call(self, features, probabilities):
        _, height, width, count = features.shape
        best = tf.argmax(probabilities, axis=1)
        kernel = tf.transpose(self.head.kernel)[:, self.start : self.start + count]
        weights = tf.gather(kernel, best)
        # Channels first, as ONNX has them: then tf2onnx moves nothing.
        flat = tf.reshape(tf.transpose(features, (0, 3, 1, 2)), (-1, count, height * width))
        return tf.reshape(tf.matmul(weights[:, None, :], flat), (-1, height, width))


class _WithMirrored(keras.layers.Layer):
    """`(B, ...)` to `(2 B, ...)`: arrays, then they again, pictures `(H, W, C)` mirrored."""

    def call(self, inputs):
        again = inputs[:, :, ::-1] if len(inputs.shape) == 4 else inputs
        return tf.concat([inputs, again], axis=0)


class _MeanOfBoth(keras.layers.Layer):
    """`(2 B, C)` probabilities to `(B, C)`."""

    def call(self, probabilities):
        return tf.reduce_mean(tf.stack(tf.split(probabilities, 2)), axis=0)


class _FirstOfBoth(keras.layers.Layer):
    """`(2 B, h, w, F)` features to `(B, h, w, F)`."""

    def call(self, features):
        return features[: tf.shape(features)[0] // 2]
