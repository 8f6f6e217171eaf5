"""The two convolutions that turn C planes into the three that an ImageNet backbone knows.

Pixels stay in 0..255 on both sides. Source: the published project's Conv2D(4) -> Conv2D(3), both
3x3, "same", without activation.
"""

from typing import Literal

import keras
import numpy as np

from pose_activity.cache.planes import CHANNELS

AdapterStart = Literal["identity", "random"]


def build_adapter(
    *, height: int, width: int, planes: tuple[str, ...], start: AdapterStart
) -> keras.Model:
    """Builds the adapter.

    Args:
        height: Of a plane, in pixels.
        width: Of a plane, in pixels.
        planes: Names from `cache.planes.CHANNELS`, in the order of the channels.
        start: "identity" lets RGB through unchanged and ignores the heatmap until training finds a
            use for it (a heatmap alone becomes grey); "random" is the source's start.

    Returns:
        A model named `adapter` from `(B, height, width, C)` to `(B, height, width, 3)`.
    """
    if start not in ("identity", "random"):
        raise ValueError(f"adapter_start must be 'identity' or 'random'. Received: {start!r}")
    channels = sum(CHANNELS[plane] for plane in planes)
    mix = keras.layers.Conv2D(4, 3, padding="same", name="mix")
    to_rgb = keras.layers.Conv2D(3, 3, padding="same", name="to_rgb")

    inputs = keras.Input((height, width, channels), name="planes")
    adapter = keras.Model(inputs, to_rgb(mix(inputs)), name="adapter")

    if start == "identity":
        first, second = identity_kernels(planes)
        mix.set_weights([first, np.zeros(4, np.float32)])
        to_rgb.set_weights([second, np.zeros(3, np.float32)])
    return adapter


def identity_kernels(planes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the two kernels that copy RGB: float32 `(3, 3, C, 4)` and `(3, 3, 4, 3)`.

    The fourth filter carries what is not RGB (else the grey mean), and the second kernel gives it
    no weight: its gradient is not zero, so training can take it up.
    """
    at, channels = {}, 0
    for plane in planes:
        at[plane] = range(channels, channels + CHANNELS[plane])
        channels += CHANNELS[plane]
    rgb = list(at.get("rgb", [at[planes[0]][0]] * 3))
    rest = [i for i in range(channels) if i not in rgb] or rgb

    first = np.zeros((3, 3, channels, 4), np.float32)
    for filter_index, channel in enumerate(rgb):
        first[1, 1, channel, filter_index] = 1
    for channel in rest:
        first[1, 1, channel, 3] += 1 / len(rest)
    second = np.zeros((3, 3, 4, 3), np.float32)
    second[1, 1, [0, 1, 2], [0, 1, 2]] = 1
    return first, second


def assemble(
    adapter: keras.Model, backbone: keras.Model, *, classes: int, dropout: float, name: str
) -> keras.Model:
    """Joins adapter -> backbone -> average pooling -> dropout -> softmax.

    Args:
        adapter: See `build_adapter`.
        backbone: From `(B, H, W, 3)` pixels in 0..255 to `(B, h, w, features)`.
        classes: Number of activities.
        dropout: Share of the features that training leaves out, in [0, 1).
        name: Of the whole model.

    Returns:
        A model from `(B, H, W, C)` to `(B, classes)` probabilities.
    """
    pool = keras.layers.GlobalAveragePooling2D(name="pool")
    drop = keras.layers.Dropout(dropout, name="dropout")
    # Half the bits would be too few for probabilities that sum to 1.
    head = keras.layers.Dense(classes, activation="softmax", name="head", dtype="float32")

    inputs = keras.Input(adapter.input_shape[1:], name="planes")
    outputs = head(drop(pool(backbone(adapter(inputs)))))
    return keras.Model(inputs, outputs, name=name)
