"""Looks at what `children/train_lite0.py` exported."""

import json

import numpy as np
import onnx
import pytest

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.runtime import calibrate, graph
from pose_activity.stage2_classifier import predict


def test_sidecar_describes_the_graph(lite0):
    sidecar = json.loads((lite0 / "classifier.json").read_text(encoding="utf-8"))
    assert sidecar["classes"] == ["jumping", "reading", "walking"]
    assert sidecar["sha256"] == sha256_file(lite0 / "classifier.onnx")
    assert sidecar["recipe"]["planes"] == ["rgb", "heatmap"]
    assert 0 <= sidecar["parity"] <= 1e-5


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("count", [1, 6])
def test_answers_as_keras_does(lite0, engine, count):
    pytest.importorskip(engine)
    saved = np.load(lite0 / "answers.npz")
    run = graph.load(lite0 / "classifier.onnx", engine=engine, threads=1)
    answers = run(saved["tensors"][:count].astype(np.float32))[0]
    assert np.abs(answers - saved["answers"][:count]).max() <= 1e-5


def test_has_learned_the_drawn_classes(lite0):
    saved = np.load(lite0 / "answers.npz")
    assert (saved["answers"].argmax(1) == saved["labels"]).mean() >= 0.8


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_map_is_the_weighted_sum_of_the_features(lite0, engine):
    pytest.importorskip(engine)
    saved = np.load(lite0 / "answers.npz")
    _, maps = predict.load(lite0, engine=engine, threads=1).explain(saved["tensors"])
    assert isinstance(maps, np.ndarray)
    best = saved["answers"].argmax(1)
    expected = np.zeros(saved["features"].shape[:3])
    for i, y, x in np.ndindex(expected.shape):
        expected[i, y, x] = saved["features"][i, y, x] @ saved["kernel"][:, best[i]]
    np.testing.assert_allclose(maps, expected, rtol=1e-3, atol=1e-3)
    logits = saved["logits"][np.arange(len(best)), best]
    np.testing.assert_allclose(maps.mean((1, 2)) + saved["bias"][best], logits, atol=1e-3)


def test_the_calibration_is_that_of_the_validation_images(lite0):
    saved, sidecar = (
        np.load(lite0 / "answers.npz"),
        json.loads((lite0 / "classifier.json").read_text(encoding="utf-8")),
    )
    labels, answers = saved["val_labels"], saved["val_answers"]
    temperature = calibrate.temperature(answers, labels)
    assert sidecar["temperature"] == pytest.approx(temperature, rel=1e-3)
    calibrated = calibrate.apply(answers, temperature)
    found = calibrate.threshold(calibrated, labels, precision=0.5, min_coverage=0.8)
    assert found is not None
    assert sidecar["unknown_below"] == pytest.approx(found.probability, abs=1e-4)
    assert sidecar["unknown_coverage"] == found.coverage


def test_batch_is_free_and_there_is_one_input(lite0):
    body = onnx.load(lite0 / "classifier.onnx").graph
    (entry,) = body.input
    sizes = [dimension.dim_value for dimension in entry.type.tensor_type.shape.dim]
    assert sizes == [0, 64, 64, 4]
    assert [output.name for output in body.output] == ["probabilities", "activation_map"]


def test_the_constants_of_a_normalisation_stay_inside(tiny):
    assert tiny["parity"] <= 1e-5
    body = onnx.load(tiny["folder"] / "whole" / "classifier.onnx").graph
    assert len(body.input) == 1


def test_a_graph_that_differs_is_refused_and_not_written(tiny):
    assert "must answer as Keras does, within -1. Received: a difference" in tiny["refused"]
    assert tiny["graphs"] == []


def test_no_transposes_are_left(lite0):
    """More than the one at the entrance make OpenVINO four times slower."""
    nodes = onnx.load(lite0 / "classifier.onnx").graph.node
    assert sum(node.op_type == "Transpose" for node in nodes) <= 1


@pytest.mark.parametrize(
    "names", [("tiny", "lstm"), pytest.param(("gru", "motion_cnn"), marks=pytest.mark.slow)]
)
def test_the_same_weights_give_the_same_bytes_in_every_process(child, tmp_path, names):
    """tf2onnx names what it finds in sets, which Python orders by a seed of each process."""
    seeds = {"own": {"fresh": True, "PYTHONHASHSEED": "1"}, "servers": {}}
    for seed, options in seeds.items():
        (tmp_path / seed).mkdir()
        child("convert_models", *names, tmp_path / seed, **options)
    for name in names:
        one, two = (tmp_path / seed / f"{name}.onnx" for seed in seeds)
        assert one.read_bytes() == two.read_bytes(), name
