"""Which classifiers there are; importing this file imports no TensorFlow.

Adding a model: write one file in this folder with

    WEIGHTS     model -> what is published for it: name -> `weights_file.Download` or a function
    build(model, *, height, width, planes, classes, weights, adapter_start, dropout) -> keras.Model

(see `efficientnet_lite0.py`) and add a line to `MODELS` for each model that it builds. A model
takes float32 `(B, height, width, C)` pixels in 0..255, C being what `planes` need, and returns
float32 `(B, classes)` probabilities; `weights` is a file or None. Its graph is the same whatever
the weights. Three of its layers must carry these names, since training freezes by them: `adapter`
(planes to RGB), `backbone` (RGB to features), `head` (features to probabilities).
"""

import importlib
from pathlib import Path
from typing import Any

from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.stage2_classifier.models.images import weights_file

_HERE = __name__.rpartition(".")[0]
MODELS = {
    "efficientnet_lite0": f"{_HERE}.efficientnet_lite0",
    "efficientnet_b0": f"{_HERE}.keras_efficientnets",
    "efficientnet_b1": f"{_HERE}.keras_efficientnets",
    "efficientnet_b2": f"{_HERE}.keras_efficientnets",
    "efficientnet_b3": f"{_HERE}.keras_efficientnets",
    "efficientnet_v2_b0": f"{_HERE}.keras_efficientnets",
}


def find_weights(
    model: str, weights: str, *, on_progress: ProgressCallback | None = None
) -> Path | None:
    """Finds the file that a model starts from; see `weights_file.find`.

    Args:
        model: A key of `MODELS`.
        weights: "none", a name that the model publishes, or a path.
        on_progress: Told of a download, and of the file's sha256.

    Returns:
        The file; None for "none".

    Raises:
        ValueError: there is no such model, name or file.
        WeightsError: a download failed.
    """
    return weights_file.find(weights, _module(model).WEIGHTS[model], on_progress=on_progress)


def build(model: str, **options: Any) -> Any:
    """Builds one of `MODELS`; its module (and so TensorFlow) is imported only now.

    Args:
        model: A key of `MODELS`.
        **options: Of the model's own `build`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: there is no such model, or its weights do not fit.
    """
    return _module(model).build(model, **options)


def _module(model: str) -> Any:
    if model not in MODELS:
        raise ValueError(f"model must be one of {list(MODELS)}. Received: {model!r}")
    return importlib.import_module(MODELS[model])
