"""The EfficientNet-Lites as plain facts: their blocks, and what a published file calls them.

Knows neither Keras nor ONNX: the network of one and the graph of the other are built from it. A
larger network has wider blocks, and more of them in all stages but the first and the last.
Source: github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

STEM, TOP = 32, 1280  # filters of the first and of the last convolution
EPSILON = 1e-3  # of batch normalisation
SCALE, OFFSET = 1 / 128, -127 / 128  # pixels 0..255 to what the first convolution takes

LITES = {  # factors of the width and of the depth
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}

# Lite0's: repeats, kernel, stride of the first repeat, expansion, output channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


@dataclass(frozen=True)
class Block:
    """An inverted residual block (MobileNetV2's).

    Attributes:
        name: "block0", "block1", ...
        kernel: Side of its depthwise convolution.
        stride: Of that convolution.
        expansion: Times as many channels in between as come in; 1: no convolution expands.
        inputs: Channels that come in.
        filters: Channels that go out.
    """

    name: str
    kernel: int
    stride: int
    expansion: int
    inputs: int
    filters: int

    @property
    def residual(self) -> bool:
        """Whether what comes in is added to what goes out."""
        return self.stride == 1 and self.inputs == self.filters


def blocks(model: str) -> Iterator[Block]:
    """Yields the blocks between the first convolution and the last one of one of `LITES`."""
    width, depth = LITES[model]
    number, inputs = 0, STEM
    for stage, (repeats, kernel, stride, expansion, filters) in enumerate(_STAGES):
        filters = _round(filters * width)
        if 0 < stage < len(_STAGES) - 1:
            repeats = math.ceil(repeats * depth)
        for repeat in range(repeats):
            step = stride if repeat == 0 else 1
            yield Block(f"block{number}", kernel, step, expansion, inputs, filters)
            number, inputs = number + 1, filters


def source_name(name: str) -> str:
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


def check_state(model: str, state: Mapping[str, np.ndarray]) -> None:
    """Checks that a state dict is that of one of `LITES`.

    Raises:
        ValueError: a convolution is missing, is not known, or has another shape.
    """
    wanted = dict(_kernels(model))
    found = {
        name: array.shape
        for name, array in state.items()
        if array.ndim == 4 and name.endswith(".weight")
    }
    wrong = sorted(dict(wanted.items() ^ found.items()))
    if wrong:
        name = wrong[0]
        raise ValueError(
            f"The weights must be those of {model}, with {name} {wanted.get(name, 'absent')}. "
            f"Received: {found.get(name, 'a file without it')}"
        )


def _kernels(model: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yields the source's name and the shape `(out, in, k, k)` of each convolution's kernel."""
    yield f"{source_name('stem')}.weight", (STEM, 3, 3, 3)
    filters = STEM
    for block in blocks(model):
        inner, filters = block.expansion * block.inputs, block.filters
        if block.expansion != 1:
            yield f"{source_name(f'{block.name}_expand')}.weight", (inner, block.inputs, 1, 1)
        depth = (inner, 1, block.kernel, block.kernel)
        yield f"{source_name(f'{block.name}_depth')}.weight", depth
        yield f"{source_name(f'{block.name}_project')}.weight", (filters, inner, 1, 1)
    yield f"{source_name('top')}.weight", (TOP, filters, 1, 1)


def _round(filters: float) -> int:
    """Returns the nearest multiple of 8 that is not below 90 % of a number of filters."""
    nearest = max(8, int(filters + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * filters else nearest
