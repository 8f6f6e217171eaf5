"""BodyPix' MobileNetV1 with a decoder of finer features: the best start for photos of people.

Its own answers (person, 24 parts) are features among others, so that training begins with what it
knows. Its batch normalisation is folded into the kernels already.
"""

from pathlib import Path
from typing import Any

import keras

from pose_activity.stage1_parts import bodypix_graph
from pose_activity.stage1_parts.bodypix_graph import STRIDES, Weights
from pose_activity.stage1_parts.models.decoder import decode
from pose_activity.stage1_parts.models.layers import BACKBONE, layers, pixels

_CHANNELS = (16, 32, 64, 64, 128, 128, 256, 256, 256, 256, 256, 256, 256, 256)  # of the x0.50 file


def build(
    *,
    height: int | None,
    width: int | None,
    planes: tuple[str, ...],
    classes: int,
    weights: Path | None = None,
) -> keras.Model:
    """Builds the network; see `registry.build`.

    Args:
        height: A multiple of 16.
        width: Likewise.
        planes: See `layers.pixels`.
        classes: How many.
        weights: BodyPix' ONNX file; None for a random start of the half size.
    """
    inputs, picture, help = pixels(height, width, planes, multiple=16)
    backbone = build_backbone(height, width, weights and bodypix_graph.read_weights(weights))
    *features, own = backbone(picture)
    features[-1] = layers.Concatenate(name="with_own_answers")([features[-1], own])
    x = decode(dict(zip((4, 8, 16), features, strict=True)), help, classes)
    return keras.Model(inputs, x, name="bodypix")


def build_backbone(height: int | None, width: int | None, weights: Weights | None) -> keras.Model:
    """Builds MobileNetV1 with BodyPix' two heads.

    Returns:
        A model from pixels `(B, H, W, 3)` in 0..255 to features of strides 4, 8 and 16, and the
        logits of a person and of the 24 parts `(B, H / 16, W / 16, 25)`.
    """
    widths = _CHANNELS
    if weights:
        widths = (len(weights.stem.bias), *(len(point.bias) for _, point in weights.blocks))
    inputs = keras.Input((height, width, 3), name="rgb")
    offset: Any = [bodypix_graph.OFFSET] * 3  # one a channel: see efficientnet_lite.py
    x: Any = layers.Rescaling(bodypix_graph.SCALE, offset, name="scale")(inputs)
    x = _activated(layers.Conv2D(widths[0], 3, strides=2, padding="same", name="block0_stem")(x))
    features, reached = [], 2
    for number, (stride, filters) in enumerate(zip(STRIDES, widths[1:], strict=True), start=1):
        if stride == 2:
            features.append(x)
            reached *= 2
        deep = layers.DepthwiseConv2D(
            3, strides=stride, padding="same", name=f"block{number}_depth"
        )
        x = _activated(deep(x))
        x = _activated(layers.Conv2D(filters, 1, name=f"block{number}_point")(x))
    heads = [
        layers.Conv2D(channels, 1, name=f"heads_{name}")(x)
        for channels, name in bodypix_graph.HEADS.items()
    ]
    own = layers.Concatenate(name="own_answers")(heads)
    backbone = keras.Model(inputs, [*features[1:], x, own], name=BACKBONE)
    if weights:
        _fill(backbone, weights)
    return backbone


def _activated(x: Any) -> Any:
    return layers.ReLU(6.0)(x)


def _fill(backbone: keras.Model, weights: Weights) -> None:
    backbone.get_layer("block0_stem").set_weights(list(weights.stem))
    for number, (deep, point) in enumerate(weights.blocks, start=1):
        backbone.get_layer(f"block{number}_depth").set_weights(list(deep))
        backbone.get_layer(f"block{number}_point").set_weights(list(point))
    for name, head in weights.heads.items():
        backbone.get_layer(f"heads_{name}").set_weights(list(head))
