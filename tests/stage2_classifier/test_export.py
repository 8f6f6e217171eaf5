"""Looks at what `children/train_lite0.py` exported."""

import json

import numpy as np
import onnx
import pytest

from artifacts.manifest import sha256_file
from stage2_classifier import predict


def test_sidecar_describes_the_graph(lite0):
    sidecar = json.loads((lite0 / "classifier.json").read_text())
    assert sidecar["classes"] == ["jumping", "reading", "walking"]
    assert sidecar["sha256"] == sha256_file(lite0 / "classifier.onnx")
    assert sidecar["recipe"]["planes"] == ["rgb", "heatmap"]
    assert 0 <= sidecar["parity"] <= 1e-5


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("count", [1, 6])
def test_answers_as_keras_does(lite0, engine, count):
    pytest.importorskip(engine)
    saved = np.load(lite0 / "answers.npz")
    answers = predict.load(lite0, engine=engine, threads=1)(saved["tensors"][:count])
    assert np.abs(answers - saved["answers"][:count]).max() <= 1e-5


def test_has_learned_the_drawn_classes(lite0):
    saved = np.load(lite0 / "answers.npz")
    assert (saved["answers"].argmax(1) == saved["labels"]).mean() >= 0.8


def test_batch_is_free_and_there_is_one_input(lite0):
    graph = onnx.load(lite0 / "classifier.onnx").graph
    (entry,) = graph.input
    sizes = [dimension.dim_value for dimension in entry.type.tensor_type.shape.dim]
    assert sizes == [0, 64, 64, 4]


def test_a_graph_that_differs_is_refused_and_not_written(tiny):
    assert "must answer as Keras does, within -1. Received: a difference" in tiny["refused"]
    assert tiny["graphs"] == []


def test_no_transposes_are_left(lite0):
    """More than the one at the entrance make OpenVINO four times slower."""
    nodes = onnx.load(lite0 / "classifier.onnx").graph.node
    assert sum(node.op_type == "Transpose" for node in nodes) <= 1
