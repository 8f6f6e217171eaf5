"""EfficientNet-B0 as Keras ships it, behind the adapter."""

from functools import partial

import keras

from pose_activity.stage2_classifier.models.images.keras_efficientnets import (
    build_classifier,
    published,
)

WEIGHTS = published(
    "b0",
    imagenet="50bc09e76180e00e4465e1a485ddc09d",
    noisy_student="a5b48ae7547fc990c7e4f3951230290d",
)
build = partial(build_classifier, "efficientnet_b0", keras.applications.EfficientNetB0)
