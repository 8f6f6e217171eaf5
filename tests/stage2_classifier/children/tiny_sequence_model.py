"""A classifier of sequences with all that a real one has but a recurrent layer, quick to train."""

import keras
import quick_graphs

from pose_activity.stage2_classifier.models.layers.motion_layers import (
    FrameMask,
    MaskedMean,
    features_of,
)
from pose_activity.stage2_classifier.models.layers.recurrent import classification_head

quick_graphs.use()


def tiny(*, recipe_shape, skeleton, classes, dropout, units=6) -> keras.Model:
    tensors = keras.Input(recipe_shape)
    features = features_of(tensors, skeleton, ("motion",))
    sequence = keras.layers.Dense(units, activation="leaky_relu")(features)
    vector = MaskedMean()(sequence, FrameMask()(tensors))
    return classification_head(tensors, vector, classes=classes, dropout=dropout, name="tiny")
