"""EfficientNet-Lite0 as plain facts: its blocks, and what a published weight file calls them.

Knows neither Keras nor ONNX: the network of one and the graph of the other are built from it.
Source: github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

from collections.abc import Iterator
from dataclasses import dataclass

STEM, TOP = 32, 1280  # filters of the first and of the last convolution
EPSILON = 1e-3  # of batch normalisation
SCALE, OFFSET = 1 / 128, -127 / 128  # pixels 0..255 to what the first convolution takes

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


def blocks() -> Iterator[Block]:
    """Yields the blocks between the first convolution and the last one."""
    number, inputs = 0, STEM
    for repeats, kernel, stride, expansion, filters in _STAGES:
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
