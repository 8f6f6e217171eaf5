"""A small U-Net: three times down and up, with everything that was seen on the way down."""

from pathlib import Path

import keras

from pose_activity.stage1_parts.models.layers import answer, convolve, layers, pixels, scaled

_WIDTHS = (16, 32, 64, 128)


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
        height: A multiple of 8.
        width: Likewise.
        planes: See `layers.pixels`.
        classes: How many.
        weights: None: there are none.
    """
    inputs, picture, help = pixels(height, width, planes, multiple=8)
    x, passed = scaled(picture, help), []
    for depth, filters in enumerate(_WIDTHS):
        if depth:
            x = layers.MaxPooling2D(2)(x)
        x = convolve(x, filters, f"down{depth}_a")
        x = convolve(x, filters, f"down{depth}_b")
        passed.append(x)
    for depth, filters in reversed([*enumerate(_WIDTHS[:-1])]):
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        x = layers.Concatenate()([x, passed[depth]])
        x = convolve(x, filters, f"up{depth}_a")
        x = convolve(x, filters, f"up{depth}_b")
    return keras.Model(inputs, answer(x, classes), name="unet")
