"""Which classifiers there are; importing this file imports no TensorFlow.

Adding a model: write one file in this folder with

    WEIGHTS     model -> what is published for it: name -> `weights_file.Download` or a function
    build_backbone(model, *, height, width, weights) -> keras.Model

(see `efficientnet_lite.py`) and add a line to `MODELS` for each model that it builds. A backbone
is named `backbone`, takes float32 `(B, height, width, 3)` pixels in 0..255 and returns features
`(B, h, w, F)`; `height` and `width` are None where any size must do, `weights` is a file or None.
Its graph is the same whatever the weights. Its layers' names begin, up to the first underscore,
with the block that they belong to, since fine-tuning gives each block a rate of its own.
"""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.cache.options import Plane
from pose_activity.stage2_classifier.models.images import weights_file
from pose_activity.stage2_classifier.models.images.lite_layout import LITES

if TYPE_CHECKING:
    import keras

    from pose_activity.stage2_classifier.models.images.adapter import AdapterStart
    from pose_activity.stage2_classifier.models.images.assembly import Pooling

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


def build(
    model: str,
    *,
    height: int,
    width: int,
    planes: tuple[Plane, ...],
    classes: int,
    weights: Path | None = None,
    adapter_start: "AdapterStart" = "identity",
    dropout: float = 0.2,
) -> "keras.Model":
    """Builds a classifier of one tensor: adapter, backbone, average pooling, head.

    Args:
        model: A key of `MODELS`.
        height: Of the input, in pixels.
        width: Of the input, in pixels.
        planes: Names from `cache.planes.CHANNELS`.
        classes: Number of activities.
        weights: From `find_weights`; None for a random start.
        adapter_start: See `models.images.adapter`.
        dropout: Share of the features left out in training.

    Returns:
        A model from float32 `(B, height, width, C)` in 0..255 to `(B, classes)` probabilities.

    Raises:
        ValueError: there is no such model or start, or its weights do not fit.
    """
    from pose_activity.stage2_classifier.models.images import adapter, assembly

    return assembly.assemble(
        adapter.build_adapter(height=height, width=width, planes=planes, start=adapter_start),
        build_backbone(model, height=height, width=width, weights=weights),
        classes=classes,
        dropout=dropout,
        name=model,
    )


def build_views(
    model: str,
    views: "Mapping[str, tuple[Plane, ...]]",
    *,
    sizes: "Mapping[str, tuple[int, int]] | None" = None,
    pooling: "Sequence[Pooling]",
    found: bool,
    classes: int,
    weights: Path | None = None,
    adapter_start: "AdapterStart" = "branch",
    dropout: float = 0.2,
) -> "keras.Model":
    """Builds a classifier of one or several views that share one backbone.

    Args:
        model: A key of `MODELS`.
        views: See `assembly.assemble_views`.
        sizes: See there.
        pooling: See there.
        found: See there.
        classes: Number of activities.
        weights: From `find_weights`; None for a random start.
        adapter_start: See `models.images.adapter`.
        dropout: Share of the features left out in training.

    Returns:
        A model as `assembly.assemble_views` describes it.

    Raises:
        ValueError: there is no such model or start, or its weights do not fit.
    """
    from pose_activity.stage2_classifier.models.images import assembly

    return assembly.assemble_views(
        build_backbone(model, height=None, width=None, weights=weights),
        views,
        sizes=sizes,
        pooling=pooling,
        found=found,
        adapter_start=adapter_start,
        classes=classes,
        dropout=dropout,
        name=model,
    )


def load_layers() -> None:
    """Imports the layers of ours that a saved network may hold; without them none can be loaded."""
    importlib.import_module(f"{_HERE}.adapter")


def _module(model: str) -> Any:
    return importlib.import_module(_place(model))


def _place(model: str) -> str:
    if model not in MODELS:
        raise ValueError(f"model must be one of {list(MODELS)}. Received: {model!r}")
    return MODELS[model]
