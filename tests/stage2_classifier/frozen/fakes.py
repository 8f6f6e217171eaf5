"""A small backbone: a random convolution with ReLU, an eighth of the size, five features."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

D, STRIDE = 5, 8


def write_backbone(path: Path, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    kernel = rng.normal(0, 0.02, (D, 3, STRIDE, STRIDE)).astype(np.float32)
    bias = rng.normal(0, 1, D).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["image"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "kernel", "bias"], ["sums"], strides=[STRIDE, STRIDE]),
        helper.make_node("Relu", ["sums"], ["positive"]),
        helper.make_node("Transpose", ["positive"], ["features"], perm=[0, 2, 3, 1]),
    ]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("image", ["b", "h", "w", 3]), ("features", ["b", "y", "x", D]))
    ]
    constants = [numpy_helper.from_array(a, n) for n, a in (("kernel", kernel), ("bias", bias))]
    graph = helper.make_graph(nodes, "backbone", ends[:1], ends[1:], constants)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path
