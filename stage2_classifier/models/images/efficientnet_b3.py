"""EfficientNet-B3 as Keras ships it, behind the adapter."""

from functools import partial

import keras

from pose_activity.stage2_classifier.models.images.keras_efficientnets import (
    build_classifier,
    published,
)

WEIGHTS = published(
    "b3",
    imagenet="af6d107764bb5b1abb91932881670226",
    noisy_student="47da5b154de1372b557a65795d3e6135",
)
build = partial(build_classifier, "efficientnet_b3", keras.applications.EfficientNetB3)
