"""Which backbones there are; importing this file imports no TensorFlow.

Adding one: write one file in this folder with

    WEIGHTS     model -> what is published for it: name -> `weights_file.Download` or a function
    build_backbone(model, *, height, width, weights) -> keras.Model

(see `efficientnet_lite.py`), add a line to `MODELS` for each model that it builds, and a choice of
`stage2.model` in `configs/pictures.py`. A backbone
is named `backbone`, takes float32 `(B, height, width, 3)` pixels in 0..255 and returns features
`(B, h, w, F)`; `height` and `width` are None where any size must do, `weights` is a file or None.
Its graph is the same whatever the weights. Its layers' names begin, up to the first underscore,
with the block that they belong to, since fine-tuning gives each block a rate of its own.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.backbones import weights_file
from pose_activity.backbones.lite_layout import LITES

if TYPE_CHECKING:
    import keras

_HERE = __name__.rpartition(".")[0]
MODELS = {
    **dict.fromkeys(LITES, f"{_HERE}.efficientnet_lite"),
    "efficientnet_b0": f"{_HERE}.keras_efficientnets",
    "efficientnet_b1": f"{_HERE}.keras_efficientnets",
    "efficientnet_b2": f"{_HERE}.keras_efficientnets",
    "efficientnet_b3": f"{_HERE}.keras_efficientnets",
    "efficientnet_v2_b0": f"{_HERE}.keras_efficientnets",
}

WEIGHTS = dict.fromkeys(LITES, f"{_HERE}.lite_weights")  # where a model's are without Keras


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
    module = importlib.import_module(WEIGHTS.get(model) or _place(model))
    return weights_file.find(weights, module.WEIGHTS[model], on_progress=on_progress)


def build_backbone(
    model: str, *, height: int | None, width: int | None, weights: Path | None = None
) -> "keras.Model":
    """Builds the backbone of one of `MODELS`; TensorFlow is imported only now.

    Args:
        model: A key of `MODELS`.
        height: Of the input, in pixels; None: any.
        width: Of the input, in pixels; None: any.
        weights: From `find_weights`; None for a random start.

    Raises:
        ValueError: there is no such model, or its weights do not fit.
    """
    return _module(model).build_backbone(model, height=height, width=width, weights=weights)


def _module(model: str) -> Any:
    return importlib.import_module(_place(model))


def _place(model: str) -> str:
    if model not in MODELS:
        raise ValueError(f"model must be one of {list(MODELS)}. Received: {model!r}")
    return MODELS[model]
