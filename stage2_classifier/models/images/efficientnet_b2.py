"""EfficientNet-B2 as Keras ships it, behind the adapter."""

from functools import partial

import keras

from pose_activity.stage2_classifier.models.images.keras_efficientnets import (
    build_classifier,
    published,
)

WEIGHTS = published(
    "b2",
    imagenet="111f8e2ac8aa800a7a99e3239f7bfb39",
    noisy_student="e496e531f41242598288ff3a4b4199f9",
)
build = partial(build_classifier, "efficientnet_b2", keras.applications.EfficientNetB2)
