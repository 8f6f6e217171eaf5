"""A U-Net whose way down is MobileNetV2, as the published comparison had one."""

from pathlib import Path
from typing import Any

import keras

from pose_activity.stage1_parts.models.layers import BACKBONE, answer, convolve, layers, pixels

_SEEN = (  # by stride: 2, 4, 8, 16, 32
    "block_1_expand_relu",
    "block_3_expand_relu",
    "block_6_expand_relu",
    "block_13_expand_relu",
    "out_relu",
)
_WIDTHS = (128, 64, 48, 32)  # of the way up


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
        height: A multiple of 32.
        width: Likewise.
        planes: See `layers.pixels`.
        classes: How many.
        weights: Keras' MobileNetV2 (alpha 0.35) without top as `.h5`; None for a random start.
    """
    inputs, picture, help = pixels(height, width, planes, multiple=32)
    random: Any = None  # Keras would download others
    whole = keras.applications.MobileNetV2(
        (height, width, 3), alpha=0.35, include_top=False, weights=random
    )
    if weights is not None:
        whole.load_weights(weights)
    outputs = [whole.get_layer(name).output for name in _SEEN]
    backbone = keras.Model(whole.input, outputs, name=BACKBONE)
    offset: Any = [-1.0] * 3
    *passed, x = backbone(layers.Rescaling(1 / 127.5, offset, name="scale")(picture))
    for depth, (filters, finer) in enumerate(zip(_WIDTHS, reversed(passed), strict=True)):
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        joined = [x, finer]
        if depth == len(_WIDTHS) - 1 and help is not None:
            joined.append(layers.AveragePooling2D(2, name="help2")(help))
        x = convolve(layers.Concatenate()(joined), filters, f"up{depth}")
    return keras.Model(inputs, answer(x, classes), name="unet_mobilenet")
