"""A backbone with everything that a real one has, small enough to train in a second."""

import keras
import quick_graphs

quick_graphs.use()
WEIGHTS = {"tiny": {}, "efficientnet_lite0": {}}  # both are names that tests give it


def build_backbone(model, *, height, width, weights) -> keras.Model:
    inputs = keras.Input((height, width, 3))
    x = keras.layers.Normalization(mean=[127.0] * 3, variance=[128.0**2] * 3)(inputs)
    x = keras.layers.Conv2D(8, 3, strides=4, name="first")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dropout(0.3)(keras.layers.ReLU()(x))
    x = keras.layers.Conv2D(16, 3, strides=4, name="last")(x)
    return keras.Model(inputs, x, name="backbone")
