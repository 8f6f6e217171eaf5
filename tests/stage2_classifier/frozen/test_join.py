"""Several backbones as one, compared with each by itself."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from pose_activity.runtime import graph
from pose_activity.stage2_classifier.frozen import join


def backbone(features: int, *, seed: int, opset: int = 17) -> onnx.ModelProto:
    """Returns a graph that halves a picture and makes so many features."""
    kernel = np.random.default_rng(seed).normal(size=(features, 3, 2, 2)).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["image"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "kernel"], ["map"], strides=[2, 2]),
        helper.make_node("Transpose", ["map"], ["features"], perm=[0, 2, 3, 1]),
    ]
    image = helper.make_tensor_value_info("image", 1, ["b", "h", "w", 3])
    answer = helper.make_tensor_value_info("features", 1, ["b", "r", "c", features])
    constants = [numpy_helper.from_array(kernel, "kernel")]
    body = helper.make_graph(nodes, "backbone", [image], [answer], constants)
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(body, opset_imports=imports, ir_version=8)


def test_the_features_stand_side_by_side(tmp_path: Path) -> None:
    paths = [tmp_path / f"{size}.onnx" for size in (4, 6)]
    for path, size in zip(paths, (4, 6), strict=True):
        onnx.save(backbone(size, seed=size), path)
    joined = join.find(paths, folder=tmp_path / "kept")
    assert join.find(paths, folder=tmp_path / "kept") == joined
    assert join.find(paths[::-1], folder=tmp_path / "kept") != joined
    assert join.find(paths[:1], folder=tmp_path / "kept") == paths[0]
    onnx.checker.check_model(onnx.load(joined), full_check=True)
    image = np.random.default_rng(0).uniform(0, 255, (2, 8, 6, 3)).astype(np.float32)
    apart = [graph.load(path, engine="onnxruntime", threads=1)(image)[0] for path in paths]
    (together,) = graph.load(joined, engine="onnxruntime", threads=1)(image)
    np.testing.assert_array_equal(together, np.concatenate(apart, 3))


def test_graphs_of_different_versions_are_refused() -> None:
    graphs = [backbone(2, seed=0), backbone(2, seed=0, opset=16)]
    with pytest.raises(ValueError, match=r"one version of ONNX. Received: \[\(8, \[17\]\)"):
        join.join(graphs)
