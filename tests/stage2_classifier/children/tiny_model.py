"""A classifier with everything a real one has, small enough to train in a second."""

import keras

from pose_activity.stage2_classifier.models.images.adapter import assemble, build_adapter

WEIGHTS = {"tiny": {}, "efficientnet_lite0": {}}  # both are names that tests give it


def build(model, *, height, width, planes, classes, weights, adapter_start, dropout) -> keras.Model:
    inputs = keras.Input((height, width, 3))
    x = keras.layers.Normalization(mean=[127.0] * 3, variance=[128.0**2] * 3)(inputs)
    x = keras.layers.Conv2D(8, 3, strides=4, name="first")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dropout(0.3)(keras.layers.ReLU()(x))
    x = keras.layers.Conv2D(16, 3, strides=4, name="last")(x)
    return assemble(
        build_adapter(height=height, width=width, planes=planes, start=adapter_start),
        keras.Model(inputs, x, name="backbone"),
        classes=classes,
        dropout=dropout,
        name=model,
    )
