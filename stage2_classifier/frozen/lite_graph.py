"""An EfficientNet-Lite without its top as an ONNX graph, straight from a published weight file.

In goes a state dict (see `backbones.lite_weights`), out comes the graph that
`export_backbone` would export from the Keras network of the same weights, without TensorFlow:
float32 "image" `(B, H, W, 3)` in 0..255, H and W free, to "features" `(B, h, w, 1280)`.
Batch normalisation is folded into the convolutions.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from pose_activity.backbones.lite_layout import (
    EPSILON,
    OFFSET,
    SCALE,
    TOP,
    Block,
    blocks,
    check_state,
    source_name,
)
from pose_activity.runtime.canonical import canonical

VERSION = 1  # another one where the same weights would give other features
OPSET, IR_VERSION = 17, 8  # what tf2onnx writes: one graph holds nodes of both


def build(model: str, state: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """Builds the graph.

    Args:
        model: A key of `backbones.lite_layout.LITES`.
        state: Name -> array, of the published file.

    Raises:
        ValueError: the state dict is that of another network.
    """
    check_state(model, state)
    return canonical(_Builder(model, state).build())


class _Builder:
    """Collects nodes and constants, from the first layer to the last."""

    def __init__(self, model: str, state: Mapping[str, np.ndarray]) -> None:
        self.model = model
        self.state = state
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def build(self) -> onnx.ModelProto:
        x = self.scale("image")
        x = self.node("Transpose", [x], "first", perm=[0, 3, 1, 2])
        x = self.convolve(x, "stem", kernel=3, stride=2)
        for block in blocks(self.model):
            x = self.invert(x, block)
        x = self.convolve(x, "top", kernel=1)
        self.node("Transpose", [x], "features", perm=[0, 2, 3, 1])
        image = _value("image", ["batch", "height", "width", 3])
        features = _value("features", ["batch", "rows", "columns", TOP])
        graph = helper.make_graph(self.nodes, "backbone", [image], [features], self.constants)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)

    def scale(self, x: str) -> str:
        x = self.node("Mul", [x, self.constant("factor", np.float32(SCALE))], "scaled")
        return self.node("Add", [x, self.constant("offset", np.float32(OFFSET))], "shifted")

    def invert(self, x: str, block: Block) -> str:
        start, name = x, block.name
        if block.expansion != 1:
            x = self.convolve(x, f"{name}_expand", kernel=1)
        x = self.convolve(
            x, f"{name}_depth", kernel=block.kernel, stride=block.stride, depthwise=True
        )
        x = self.convolve(x, f"{name}_project", kernel=1, activate=False)
        return self.node("Add", [start, x], f"{name}_add") if block.residual else x

    def convolve(
        self,
        x: str,
        name: str,
        *,
        kernel: int,
        stride: int = 1,
        depthwise: bool = False,
        activate: bool = True,
    ) -> str:
        weights, bias = self.folded(name)
        inputs = [x, self.constant(f"{name}_kernel", weights), self.constant(f"{name}_bias", bias)]
        options = {"kernel_shape": [kernel, kernel], "strides": [stride, stride]}
        group = len(weights) if depthwise else 1
        x = self.node("Conv", inputs, name, auto_pad="SAME_UPPER", group=group, **options)
        if not activate:
            return x
        ends = [self.constant(f"{name}_{end}", np.float32(end)) for end in (0, 6)]
        return self.node("Clip", [x, *ends], f"{name}_relu")

    def folded(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns a convolution's kernel `(out, in, k, k)` and bias, its normalisation applied."""
        norm = source_name(f"{name}_norm")
        gamma, beta, mean, variance = (
            self.state[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gamma / np.sqrt(variance + EPSILON)
        kernel = self.state[f"{source_name(name)}.weight"] * factor[:, None, None, None]
        return kernel.astype(np.float32), (beta - mean * factor).astype(np.float32)

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: np.ndarray | np.float32) -> str:
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        self.constants.append(numpy_helper.from_array(array, name))
        return name


def _value(name: str, shape: list[str | int]) -> Any:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
