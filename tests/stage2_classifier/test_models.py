"""Looks at what child processes built; torch and TensorFlow each in its own."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from stage2_classifier.models import registry
from stage2_classifier.models.lite0_weights import package_file, read_state_dict

MINIBUS = 654  # ImageNet's class; the photo shows a city bus


@pytest.fixture(scope="module")
def built(child, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        pytest.skip("ultralytics and its photos are not installed")
    photo = Path(spec.origin).parent / "assets" / "bus.jpg"
    child("look_at_models", folder / "facts.npz", photo, folder / "b0.weights.h5")
    return folder / "facts.npz"


@pytest.fixture(scope="module")
def facts(built):
    return np.load(built)


@pytest.fixture(scope="module")
def in_torch(built, child, tmp_path_factory):
    out = tmp_path_factory.mktemp("torch") / "out.npz"
    child("torch_lite0", package_file(), built, out)
    return np.load(out)


@pytest.mark.parametrize(
    ("planes", "channels"),
    [
        ("rgb", [0, 1, 2]),
        ("heatmap", [0, 0, 0]),
        ("rgb+heatmap", [0, 1, 2]),
        ("heatmap+rgb", [1, 2, 3]),
    ],
)
def test_adapter_starts_as_the_identity_on_rgb(facts, planes, channels):
    expected = facts[f"in {planes}"][..., channels]
    np.testing.assert_allclose(facts[f"identity {planes}"], expected, atol=1e-3)
    assert np.abs(facts[f"random {planes}"] - expected).max() > 10


def test_a_wrong_start_is_refused(facts):
    assert "adapter_start must be 'identity' or 'random'" in str(facts["adapter error"])


def test_lite0_sees_pixels_between_minus_one_and_one(facts):
    black, white = facts["lite0 stem"]
    np.testing.assert_allclose(black, -127 / 128, atol=1e-5)
    np.testing.assert_allclose(white, 1, atol=1e-5)


def test_b0_without_weights_scales_by_255_once(facts):
    black, white = facts["b0 plain stem"]
    np.testing.assert_allclose(black, 0, atol=1e-5)
    np.testing.assert_allclose(white, 1, atol=1e-5)


def test_b0_from_a_file_is_normalised_as_imagenet_was(facts):
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    black, white = facts["b0 loaded stem"]
    np.testing.assert_allclose(black, -mean / deviation, rtol=1e-4)
    np.testing.assert_allclose(white, (1 - mean) / deviation, rtol=1e-4)


@pytest.mark.parametrize("name", ["lite0 answers", "b0 answers"])
def test_answers_are_probabilities(facts, name):
    assert facts[name].shape == (3, 5)
    np.testing.assert_allclose(facts[name].sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("model", registry.MODELS)
def test_missing_weights_are_named(facts, model):
    assert "Received: 'nowhere.h5', which is no file" in str(facts[f"{model} error"])


def test_lite0_knows_a_bus(facts):
    assert facts["imagenet"][0].argmax() == MINIBUS
    assert facts["imagenet"][0].max() > 0.5


def test_lite0_equals_torch(facts, in_torch):
    assert np.abs(facts["imagenet"] - in_torch["answers"]).max() <= 1e-4


def test_the_reader_equals_torch(in_torch):
    state = read_state_dict(package_file())
    assert set(state) == set(in_torch.files) - {"answers"}
    for name, array in state.items():
        np.testing.assert_array_equal(array, in_torch[name])


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match=r"model must be one of \['efficientnet_lite0'.*'resnet'"):
        registry.build("resnet")


def test_the_registry_imports_no_tensorflow():
    script = "import sys, stage2_classifier.models.registry as r; print(list(r.MODELS)); "
    script += "print(sorted({'torch', 'tensorflow', 'keras'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[1] == "[]"


def test_b0_exports_with_its_normalisation_inside(built, facts):
    assert facts["b0 parity"] <= 1e-5
    graph = onnx.load(built.parent / "b0" / "classifier.onnx").graph
    assert len(graph.input) == 1
