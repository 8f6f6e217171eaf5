"""What the networks of body parts are put together from. Pictures come in as float32 0..255."""

from typing import Any

import keras

from pose_activity.annotations.parts import TREE

layers = keras.layers
BACKBONE = "backbone"  # the part of a network that was trained before, where there is one


def pixels(
    height: int | None, width: int | None, planes: tuple[str, ...], *, multiple: int
) -> tuple[Any, Any, Any]:
    """Returns a network's input, its picture and what helps beside it.

    Args:
        height: Of the input, in pixels; None: any.
        width: Likewise.
        planes: ("rgb",) or ("rgb", "bones").
        multiple: What height and width must be multiples of, for the network's strides.

    Returns:
        The input `(B, H, W, C)`; its picture `(B, H, W, 3)` in 0..255; and the help, or None: a
        plane of 0 and 1 for each part of the tree, `(B, H, W, 15)`.

    Raises:
        ValueError: other planes, or a size that the strides do not divide.
    """
    _check_size(height, width, multiple)
    if planes not in (("rgb",), ("rgb", "bones")):
        raise ValueError(f"planes must be rgb, or rgb and bones. Received: {', '.join(planes)}")
    inputs: Any = keras.Input((height, width, 3 + len(planes[1:])), name="planes")
    if len(planes) == 1:
        return inputs, inputs, None
    second: Any = inputs[..., 3:]
    numbers: Any = keras.ops.arange(len(TREE), dtype="float32")
    return inputs, inputs[..., :3], keras.ops.cast(keras.ops.equal(second, numbers), "float32")


def _check_size(height: int | None, width: int | None, multiple: int) -> None:
    for name, length in (("height", height), ("width", width)):
        if length is not None and length % multiple:
            near = max(multiple, round(length / multiple) * multiple)
            raise ValueError(
                f"{name} must be a multiple of {multiple} for this network. Received: {length}. "
                f"Take {near}."
            )


def scaled(picture: Any, help: Any) -> Any:
    """Returns a picture in [0, 1], with the help as more channels."""
    x = layers.Rescaling(1 / 255, name="scale")(picture)
    return x if help is None else layers.Concatenate(name="with_help")([x, help])


def convolve(x: Any, filters: int, name: str, *, kernel: int = 3, stride: int = 1) -> Any:
    """Convolution, batch normalisation, ReLU."""
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def separate(x: Any, filters: int, name: str, *, kernel: int = 3) -> Any:
    """Depthwise convolution, then `convolve` of single pixels."""
    x = layers.DepthwiseConv2D(kernel, padding="same", use_bias=False, name=f"{name}_depth")(x)
    return convolve(x, filters, name, kernel=1)


def answer(x: Any, classes: int, *, kernel: int = 1) -> Any:
    """Returns `(B, h, w, classes)` probabilities."""
    x = layers.Conv2D(classes, kernel, padding="same", name="answer")(x)
    return layers.Softmax(name="probabilities", dtype="float32")(x)
