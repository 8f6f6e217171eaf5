"""Where a classifier looked: a class activation map as a second output.

Source: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016. Works for
every model that `adapter.assemble` joined.
"""

import keras
import tensorflow as tf


def with_activation_map(network: keras.Model) -> keras.Model:
    """Adds the map of the most probable class.

    Args:
        network: With the layers `adapter`, `backbone`, `pool`, `dropout` and `head`, in this order.

    Returns:
        A model of the same weights with two outputs: the probabilities `(B, classes)`, and
        `(B, h, w)` float32, the sum over the features, each weighted by the head for that class.
        The mean of a map, plus the head's bias, is the logit of the class.
    """
    layers = {name: network.get_layer(name) for name in ("adapter", "backbone", "pool", "dropout")}
    head = network.get_layer("head")
    inputs = keras.Input(network.input_shape[1:], name="planes")
    features = layers["backbone"](layers["adapter"](inputs))
    probabilities = head(layers["dropout"](layers["pool"](features)))
    maps = _ActivationMap(head, name="activation_map")(features, probabilities)
    return keras.Model(inputs, [probabilities, maps])


class _ActivationMap(keras.layers.Layer):
    """`(B, h, w, F)` features and `(B, C)` probabilities to `(B, h, w)`; lives for an export only.

    In TensorFlow's functions: keras.ops.argmax becomes nodes that ONNX Runtime does not know.
    """

    def __init__(self, head: keras.layers.Layer, **options) -> None:
        super().__init__(**options)
        self.head = head

    def call(self, features, probabilities):
        _, height, width, count = features.shape
        best = tf.argmax(probabilities, axis=1)
        weights = tf.gather(tf.transpose(self.head.kernel), best)
        # Channels first, as ONNX has them: then tf2onnx moves nothing.
        flat = tf.reshape(tf.transpose(features, (0, 3, 1, 2)), (-1, count, height * width))
        return tf.reshape(tf.matmul(weights[:, None, :], flat), (-1, height, width))
