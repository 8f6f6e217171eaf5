"""EfficientNet-B1 as Keras ships it, behind the adapter."""

from functools import partial

import keras

from pose_activity.stage2_classifier.models.images.keras_efficientnets import (
    build_classifier,
    published,
)

WEIGHTS = published(
    "b1",
    imagenet="74c4e6b3e1f6a1eea24c589628592432",
    noisy_student="4d35baa41ca36f175506a33918f7e334",
)
build = partial(build_classifier, "efficientnet_b1", keras.applications.EfficientNetB1)
