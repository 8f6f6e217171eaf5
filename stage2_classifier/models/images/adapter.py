"""The layers that turn C planes into the three that an ImageNet backbone knows.

Pixels stay in 0..255 on both sides. Three starts, which are two graphs:

    random     two convolutions 3x3, "same", without activation; source: the published project's
               Conv2D(4) -> Conv2D(3)
    identity   the same graph, set so that RGB passes unchanged
    branch     RGB passes unchanged, always; two convolutions draw what the other planes show onto
               it. The last one starts at zero, so that an untrained network answers as it does
               without those planes. Source of the zero start: Zhang et al., "Adding Conditional
               Control to Text-to-Image Diffusion Models", ICCV 2023.
"""

from typing import Any, Literal, get_args

import keras
import numpy as np

from pose_activity.cache.options import Plane
from pose_activity.cache.planes import CHANNELS

AdapterStart = Literal["identity", "random", "branch"]

_BRANCH_FILTERS = 16
_GREYS = 64.0  # that a weight of the branch's last convolution is worth


def build_adapter(
    *,
    height: int | None,
    width: int | None,
    planes: tuple[Plane, ...],
    start: AdapterStart,
    name: str = "adapter",
) -> keras.Model:
    """Builds the adapter.

    Args:
        height: Of a plane, in pixels; None: any.
        width: Of a plane, in pixels; None: any.
        planes: Names from `cache.planes.CHANNELS`, in the order of the channels.
        start: See the module's header. "identity" ignores the heatmap until training finds a use
            for it. Without RGB the heatmap takes its place, as a grey picture.
        name: Of the model.

    Returns:
        A model from `(B, height, width, C)` to `(B, height, width, 3)`.

    Raises:
        ValueError: another `start`.
    """
    if start not in get_args(AdapterStart):
        raise ValueError(
            f"adapter_start must be 'identity', 'random' or 'branch'. Received: {start!r}"
        )
    inputs = keras.Input((height, width, sum(CHANNELS[p] for p in planes)), name="planes")
    outputs = _branch(inputs, planes) if start == "branch" else _mix(inputs)
    adapter = keras.Model(inputs, outputs, name=name)
    if start == "identity":
        for layer, kernel in zip(("mix", "to_rgb"), identity_kernels(planes), strict=True):
            adapter.get_layer(layer).set_weights([kernel, np.zeros(kernel.shape[-1], np.float32)])
    return adapter


def identity_kernels(planes: tuple[Plane, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the two kernels that copy RGB: float32 `(3, 3, C, 4)` and `(3, 3, 4, 3)`.

    The fourth filter carries what is not RGB (else the grey mean), and the second kernel gives it
    no weight: its gradient is not zero, so training can take it up.
    """
    rgb, rest = _rgb_and_rest(planes)
    rest = rest or rgb
    first = np.zeros((3, 3, sum(CHANNELS[p] for p in planes), 4), np.float32)
    for filter_index, channel in enumerate(rgb):
        first[1, 1, channel, filter_index] = 1
    for channel in rest:
        first[1, 1, channel, 3] += 1 / len(rest)
    second = np.zeros((3, 3, 4, 3), np.float32)
    second[1, 1, [0, 1, 2], [0, 1, 2]] = 1
    return first, second


@keras.saving.register_keras_serializable(package="pose_activity")
class PickChannels(keras.layers.Layer):
    """`(B, H, W, C)` to `(B, H, W, len(channels))`: some channels, as they are.

    By a convolution with a constant: a slice would make an exported graph transpose its planes.

    Args:
        channels: Indices, in the wanted order.
    """

    def __init__(self, channels: tuple[int, ...], **options: Any) -> None:
        super().__init__(**options)
        self.channels = tuple(channels)

    def call(self, inputs):
        """Returns the channels."""
        kernel = np.zeros((1, 1, inputs.shape[-1], len(self.channels)), np.float32)
        kernel[0, 0, list(self.channels), range(len(self.channels))] = 1
        return keras.ops.conv(inputs, keras.ops.cast(kernel, inputs.dtype))

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "channels": self.channels}


def _mix(inputs: Any) -> Any:
    mix = keras.layers.Conv2D(4, 3, padding="same", name="mix")
    return keras.layers.Conv2D(3, 3, padding="same", name="to_rgb")(mix(inputs))


def _branch(inputs: Any, planes: tuple[Plane, ...]) -> Any:
    rgb, rest = _rgb_and_rest(planes)
    picture = PickChannels(tuple(rgb), name="rgb")(inputs)
    if not rest:
        return picture
    others = PickChannels(tuple(rest), name="others")(inputs)
    others = keras.layers.Rescaling(1 / 255, name="others_scale")(others)
    first = keras.layers.Conv2D(
        _BRANCH_FILTERS, 3, padding="same", activation="relu", name="branch_in"
    )
    last = keras.layers.Conv2D(3, 3, padding="same", kernel_initializer="zeros", name="branch_out")
    drawn = keras.layers.Rescaling(_GREYS, name="branch_scale")(last(first(others)))
    return keras.layers.Add(name="draw")([picture, drawn])


def _rgb_and_rest(planes: tuple[Plane, ...]) -> tuple[list[int], list[int]]:
    """Returns the channels that stand for RGB, and the others."""
    at, channels = {}, 0
    for plane in planes:
        at[plane] = range(channels, channels + CHANNELS[plane])
        channels += CHANNELS[plane]
    rgb = list(at.get("rgb", [at[planes[0]][0]] * 3))
    return rgb, [i for i in range(channels) if i not in rgb]
