"""BodyPix' published graph as a list of kernels, and what its 24 parts are; no Keras.

BodyPix 2 (Google, Apache-2.0): MobileNetV1 of a quarter, half, three quarters or all of its
channels, stride 16, as an ONNX file that the user names. Pixels go in as x / 127.5 - 1.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from pose_activity.annotations.parts import TREE

STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1)  # of MobileNetV1's depthwise convolutions
SCALE, OFFSET = 1 / 127.5, -1.0
HEADS = {1: "person", 24: "parts"}  # channels of the answers that are used -> their names

# Part of BodyPix, by its number -> that of the tree.
PARTS = (
    *("head",) * 2,
    *("left_upper_arm",) * 2,
    *("right_upper_arm",) * 2,
    *("left_forearm",) * 2,
    *("right_forearm",) * 2,
    "left_hand",
    "right_hand",
    *("torso",) * 2,
    *("left_thigh",) * 2,
    *("right_thigh",) * 2,
    *("left_lower_leg",) * 2,
    *("right_lower_leg",) * 2,
    "left_foot",
    "right_foot",
)


class Kernel(NamedTuple):
    """A convolution: its kernel in Keras' order of axes, and its bias."""

    kernel: np.ndarray
    bias: np.ndarray


class Weights(NamedTuple):
    """All that is read of a file.

    Attributes:
        stem: The first convolution.
        blocks: 13 pairs of a depthwise and a pointwise convolution.
        heads: By name, those of `HEADS`.
    """

    stem: Kernel
    blocks: tuple[tuple[Kernel, Kernel], ...]
    heads: dict[str, Kernel]


def read_weights(path: Path) -> Weights:
    """Reads the graph's weights.

    Args:
        path: The ONNX file.

    Raises:
        ValueError: it is no such graph.
    """
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:  # protobuf raises its own kinds
        raise ValueError(f"{path} is not an ONNX file ({type(error).__name__}).") from None
    arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    found = [
        (arrays[node.input[1]], arrays[node.input[2]])
        for node in graph.node
        if node.op_type == "Conv" and len(node.input) == 3 and {*node.input[1:]} <= arrays.keys()
    ]
    body, ends = found[: 1 + 2 * len(STRIDES)], found[1 + 2 * len(STRIDES) :]
    heads = {
        HEADS[len(bias)]: Kernel(kernel.transpose(2, 3, 1, 0), bias)
        for kernel, bias in ends
        if len(bias) in HEADS
    }
    depthwise = [kernel.shape[1] == 1 for kernel, _ in body[1:]]
    if len(heads) != len(HEADS) or depthwise != [True, False] * len(STRIDES):
        raise ValueError(
            f"{path} must be BodyPix' MobileNetV1 graph: 27 convolutions and the heads "
            f"{', '.join(HEADS.values())}. Received: a graph with {len(found)} convolutions. Take "
            "the published file (see docs/parts.md)."
        )
    stem, *rest = (Kernel(kernel.transpose(2, 3, 1, 0), bias) for kernel, bias in body)
    deep = [Kernel(k.kernel.transpose(0, 1, 3, 2), k.bias) for k in rest[::2]]
    return Weights(stem, tuple(zip(deep, rest[1::2], strict=True)), heads)


def merge_matrix() -> np.ndarray:
    """Returns `(24, 15)` float32 of 0 and 1: which part of the tree each of the 24 is."""
    return np.eye(len(TREE), dtype=np.float32)[[TREE.index(part) for part in PARTS]]
