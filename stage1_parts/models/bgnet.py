"""Networks with a first look for what is a person at all.

bgnet         person or background, in few channels; trained with the loss "squared"
bgnet_hpnet   HPNet on an image in which the background was dimmed by a bgnet
"""

from pathlib import Path
from typing import Any

import keras

from pose_activity.stage1_parts.models import hpnet
from pose_activity.stage1_parts.models.layers import (
    BACKBONE,
    answer,
    convolve,
    layers,
    pixels,
    scaled,
)

_DOWN = (16, 24, 32)
_PERSON = 2  # classes: background, person


def build(
    *,
    height: int | None,
    width: int | None,
    planes: tuple[str, ...],
    classes: int = _PERSON,
    weights: Path | None = None,
    name: str = "bgnet",
) -> keras.Model:
    """Builds a network; see `registry.build`.

    Args:
        height: A multiple of 8 (bgnet_hpnet: 40).
        width: Likewise.
        planes: See `layers.pixels`.
        classes: How many; of bgnet 2.
        weights: bgnet_hpnet: the `.keras` file of a trained bgnet, which is not trained further.
        name: One of the header's.

    Raises:
        ValueError: a bgnet of other than 2 classes.
    """
    if name == "bgnet":
        if classes != _PERSON:
            raise ValueError(
                "bgnet tells two classes apart, as the scheme 'person' has them. "
                f"Received: {classes}"
            )
        return _first_look(height, width, planes)
    return _second_look(height, width, planes, classes, weights)


def _first_look(height: int | None, width: int | None, planes: tuple[str, ...]) -> keras.Model:
    inputs, picture, help = pixels(height, width, planes, multiple=8)
    x = scaled(picture, help)
    for depth, filters in enumerate(_DOWN):
        x = convolve(x, filters, f"down{depth}", stride=2)
    x = convolve(x, _DOWN[-1], "around")
    for depth, filters in enumerate(reversed(_DOWN)):
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        x = convolve(x, filters, f"up{depth}")
    return keras.Model(inputs, answer(x, _PERSON), name="bgnet")


def _second_look(
    height: int | None,
    width: int | None,
    planes: tuple[str, ...],
    classes: int,
    weights: Path | None,
) -> keras.Model:
    """Puts a bgnet, named as the backbone, before HPNet."""
    inputs: Any = keras.Input((height, width, 3 + len(planes[1:])), name="planes")
    first: Any = _first_look(height, width, planes)
    if weights is not None:
        trained: Any = keras.models.load_model(weights, compile=False)
        first.set_weights(trained.get_weights())
    first = keras.Model(first.input, first.output, name=BACKBONE)
    person: Any = first(inputs)[..., 1:]
    dimmed = layers.Multiply(name="dimmed")([inputs[..., :3], person])
    rest = [inputs[..., 3:]] if planes[1:] else []
    x = layers.Concatenate(name="again")([dimmed, *rest]) if rest else dimmed
    second = hpnet.build(height=height, width=width, planes=planes, classes=classes)
    return keras.Model(inputs, second(x), name="bgnet_hpnet")
