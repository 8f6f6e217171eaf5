"""The EfficientNets of `keras.applications`: graph, scaling, weight files.

Whatever the weights, the graph is the same: pixels come in 0..255, and Rescaling and Normalization
inside it bring them to what the weights were trained on (V2's scaling is fixed in the graph and is
not part of its weights). Two layouts of weight files are read:

    Keras' own      `*_notop.h5` and `.weights.h5`
    efficientnet's  the package's noisy-student and AutoAugment files: the same layers under the
                    same names but no preprocessing; they want (x / 255 - mean) / deviation

Sources: Tan and Le, "EfficientNet", ICML 2019, and "EfficientNetV2", ICML 2021; Xie et al.,
"Self-training with Noisy Student improves ImageNet classification", CVPR 2020.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from pose_activity.backbones.weights_file import Download

_KERAS = "https://storage.googleapis.com/keras-applications"
_KERAS_V2 = "https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2"
_NOISY = "https://github.com/qubvel/efficientnet/releases/download/v0.0.1"

# Of ImageNet's pixels, in 0..1.
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

Network = Callable[..., keras.Model]


def _published(variant: str, imagenet: str, noisy_student: str) -> dict[str, Download]:
    """Returns the files of one variant ("b0"); the other arguments are md5 digests."""
    noisy = f"{_NOISY}/efficientnet-{variant}_noisy-student_notop.h5"
    return {
        "imagenet": Download(f"{_KERAS}/efficientnet{variant}_notop.h5", imagenet),
        "noisy_student": Download(noisy, noisy_student),
    }


_NETWORKS: dict[str, Network] = {
    "efficientnet_b0": keras.applications.EfficientNetB0,
    "efficientnet_b1": keras.applications.EfficientNetB1,
    "efficientnet_b2": keras.applications.EfficientNetB2,
    "efficientnet_b3": keras.applications.EfficientNetB3,
    "efficientnet_v2_b0": keras.applications.EfficientNetV2B0,
}
WEIGHTS = {
    "efficientnet_b0": _published(
        "b0", "50bc09e76180e00e4465e1a485ddc09d", "a5b48ae7547fc990c7e4f3951230290d"
    ),
    "efficientnet_b1": _published(
        "b1", "74c4e6b3e1f6a1eea24c589628592432", "4d35baa41ca36f175506a33918f7e334"
    ),
    "efficientnet_b2": _published(
        "b2", "111f8e2ac8aa800a7a99e3239f7bfb39", "e496e531f41242598288ff3a4b4199f9"
    ),
    "efficientnet_b3": _published(
        "b3", "af6d107764bb5b1abb91932881670226", "47da5b154de1372b557a65795d3e6135"
    ),
    "efficientnet_v2_b0": {
        "imagenet": Download(
            f"{_KERAS_V2}/efficientnetv2-b0_notop.h5",
            "893217f2bb855e2983157299931e43ff",
        )
    },
}


def build_backbone(
    model: str, *, height: int | None, width: int | None, weights: Path | None = None
) -> keras.Model:
    """Builds a network without its top, of any key of `WEIGHTS`; see `registry.build_backbone`.

    Where the size is free, odd sizes inside are padded as even ones are. `weights` may be a file of
    either layout.

    Raises:
        ValueError: `weights` is of another network or layout.
    """
    network = _NETWORKS[model]
    backbone = network(include_top=False, weights=None, input_shape=(height, width, 3))
    backbone.name = "backbone"  # given as an argument, V2 would look its blocks up by it
    if weights is not None:
        _load(backbone, network, weights)
    return backbone


def _load(backbone: keras.Model, network: Network, path: Path) -> None:
    try:
        if _has_preprocessing(path):
            backbone.load_weights(path)
            _finish_scaling(backbone)
        else:
            _copy(backbone, _read_by_efficientnet(network, path))
    except (ValueError, OSError, AttributeError, KeyError) as error:
        raise ValueError(
            f"weights must be a file of {network.__name__} without its top layer (.h5). "
            f"Received: {path}, which does not fit: {error}"
        ) from None


def _has_preprocessing(path: Path) -> bool:
    """Tells Keras' layout from the package's, which has no layer called normalization."""
    if path.name.endswith(".weights.h5"):  # only Keras 3 writes these
        return True
    with h5py.File(path) as file:
        group: Any = file.get("model_weights", file)  # there, if the file holds a whole model
        return any("normalization" in name for name in group)


def _read_by_efficientnet(network: Network, path: Path) -> keras.Model:
    """Reads the package's layout by the package's own graph."""
    package: Any = importlib.import_module("efficientnet.tfkeras")
    theirs = getattr(package, network.__name__)
    return theirs(include_top=False, weights=str(path), input_shape=(64, 64, 3))


def _copy(backbone: keras.Model, source: keras.Model) -> None:
    """Copies weights by the layers' names, and scales pixels as the package's weights want."""
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Normalization):
            _normalise(layer, _MEAN, _DEVIATION**2)
        elif layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def _finish_scaling(backbone: keras.Model) -> None:
    """Does for weights from a file what Keras does for weights="imagenet" only.

    Keras divides by the root of the stored "variance", which is a standard deviation, and corrects
    it by one more Rescaling when it downloaded the file itself. Here the variance is put right.
    """
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            stored = np.array(layer.adapt_variance)
            if np.allclose(stored.ravel(), _DEVIATION, atol=1e-3):
                _normalise(layer, np.array(layer.adapt_mean), stored**2)


def _normalise(layer: keras.layers.Normalization, mean: np.ndarray, variance: np.ndarray) -> None:
    layer.adapt_mean.assign(mean)
    layer.adapt_variance.assign(variance)
    layer.finalize_state()
