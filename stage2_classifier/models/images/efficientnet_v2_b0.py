"""EfficientNetV2-B0 as Keras ships it, behind the adapter.

Its scaling is fixed in the graph and no part of the weights. Source: Tan and Le, "EfficientNetV2",
ICML 2021.
"""

from functools import partial

import keras

from pose_activity.stage2_classifier.models.images.keras_efficientnets import build_classifier
from pose_activity.stage2_classifier.models.images.weights_file import Download

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2"

WEIGHTS = {
    "imagenet": Download(
        f"{_FOLDER}/efficientnetv2-b0_notop.h5", "893217f2bb855e2983157299931e43ff"
    )
}
build = partial(build_classifier, "efficientnet_v2_b0", keras.applications.EfficientNetV2B0)
