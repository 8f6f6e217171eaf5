"""Which networks of body parts there are; importing this file imports no TensorFlow.

Adding one: write a file in this folder with `build(*, height, width, planes, classes, weights)`
(see `unet.py`), add a line to `MODELS`, and its name to `ModelName`. What was trained before is a
model named "backbone" inside, whose layers' names begin, up to the first underscore, with their
block.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.backbones import registry as backbones
from pose_activity.backbones import weights_file

if TYPE_CHECKING:
    import keras

_HERE = __name__.rpartition(".")[0]
ModelName = Literal[
    "lite0_decoder",
    "bodypix",
    "hpnet",
    "hpnet_3",
    "hpnet_strided",
    "bgnet",
    "bgnet_hpnet",
    "unet",
    "unet_mobilenet",
]


class Model(NamedTuple):
    """Where a network is built.

    Attributes:
        file: The module.
        named: What its `build` takes as `name`, where it builds several.
        starts: What it starts from: a key of `backbones.registry.MODELS`, whose published weights
            it takes; "file": one that the user names; None: nothing.
    """

    file: str
    named: bool = False
    starts: str | None = None


MODELS: Mapping[str, Model] = {
    "lite0_decoder": Model(f"{_HERE}.lite0_decoder", starts="efficientnet_lite0"),
    "bodypix": Model(f"{_HERE}.bodypix", starts="file"),
    "hpnet": Model(f"{_HERE}.hpnet", named=True),
    "hpnet_3": Model(f"{_HERE}.hpnet", named=True),
    "hpnet_strided": Model(f"{_HERE}.hpnet", named=True),
    "bgnet": Model(f"{_HERE}.bgnet", named=True),
    "bgnet_hpnet": Model(f"{_HERE}.bgnet", named=True, starts="file"),
    "unet": Model(f"{_HERE}.unet"),
    "unet_mobilenet": Model(f"{_HERE}.unet_mobilenet", starts="file"),
}


def find_weights(
    model: str, weights: str, *, on_progress: ProgressCallback | None = None
) -> Path | None:
    """Finds the file that a network starts from.

    Args:
        model: A key of `MODELS`.
        weights: "none", a path, or a name that the network's backbone publishes ("imagenet" of
            lite0_decoder).
        on_progress: Told of a download, and of the file's sha256.

    Returns:
        The file; None for "none".

    Raises:
        ValueError: there is no such network, name or file; or this network starts from none.
        WeightsError: a download failed.
    """
    starts = _of(model).starts
    if starts is None and weights != "none":
        raise ValueError(f"{model} starts from no weights: say 'none'. Received: {weights!r}")
    if starts in (None, "file"):
        return weights_file.find(weights, {}, on_progress=on_progress)
    return backbones.find_weights(starts, weights, on_progress=on_progress)


def build(
    model: str,
    *,
    height: int | None,
    width: int | None,
    planes: tuple[str, ...],
    classes: int,
    weights: Path | None = None,
) -> "keras.Model":
    """Builds a network; TensorFlow is imported only now.

    Args:
        model: A key of `MODELS`.
        height: Of the input, in pixels; None: any that its strides divide.
        width: Likewise.
        planes: ("rgb",) or ("rgb", "bones").
        classes: Number of classes, the background first.
        weights: From `find_weights`; None for a random start.

    Returns:
        A model from float32 `(B, height, width, 3 or 4)` in 0..255 to `(B, h, w, classes)`
        probabilities; `height` is a multiple of h.

    Raises:
        ValueError: there is no such network; the size, the classes or the weights do not fit.
    """
    found = _of(model)
    module: Any = importlib.import_module(found.file)
    named = {"name": model} if found.named else {}
    return module.build(
        height=height, width=width, planes=planes, classes=classes, weights=weights, **named
    )


def _of(model: str) -> Model:
    if model not in MODELS:
        raise ValueError(f"model must be one of {list(MODELS)}. Received: {model!r}")
    return MODELS[model]
