"""Looks at what child processes built; torch and TensorFlow each in its own."""

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from pose_activity.backbones import registry, weights_file
from pose_activity.backbones.lite_layout import LITES
from pose_activity.backbones.lite_weights import (
    package_file,
    read_state_dict,
)

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
    folder = tmp_path_factory.mktemp("torch")
    files = [package_file(model) for model in LITES]
    child("torch_lite", built, folder, *files, fresh=True)  # torch, not TensorFlow
    return {
        model: np.load(folder / f"{file.stem}.npz")
        for model, file in zip(LITES, files, strict=True)
    }


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
    assert "adapter_start must be 'identity', 'random' or 'branch'" in str(facts["adapter error"])


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


@pytest.mark.parametrize("name", ["lite0 answers", "b0 answers", "v2 answers"])
def test_answers_are_probabilities(facts, name):
    assert facts[name].shape == (3, 5)
    np.testing.assert_allclose(facts[name].sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("model", registry.MODELS)
def test_missing_weights_are_named(facts, model):
    assert "Received: 'nowhere.h5', which is not a file" in str(facts[f"{model} error"])


@pytest.mark.parametrize("model", LITES)
def test_a_lite_knows_a_bus(facts, model):
    assert facts[f"{model} imagenet"][0].argmax() == MINIBUS
    assert facts[f"{model} imagenet"][0].max() > 0.5


@pytest.mark.parametrize("model", LITES)
def test_a_lite_equals_torch(facts, in_torch, model):
    assert np.abs(facts[f"{model} imagenet"] - in_torch[model]["answers"]).max() <= 1e-4


@pytest.mark.parametrize("model", LITES)
def test_the_reader_equals_torch(in_torch, model):
    state = read_state_dict(package_file(model))
    assert set(state) == set(in_torch[model].files) - {"answers"}
    for name, array in state.items():
        np.testing.assert_array_equal(array, in_torch[model][name])


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match=r"model must be one of \['efficientnet_lite0'.*'resnet'"):
        registry.build_backbone("resnet", height=32, width=32)


def test_the_registry_imports_no_tensorflow():
    script = "import sys, pose_activity.backbones.registry as r; "
    script += "print(list(r.MODELS)); "
    script += "print(sorted({'torch', 'tensorflow', 'keras'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert run.stdout.splitlines()[1] == "[]"


def test_weights_of_the_efficientnet_package_answer_as_there(facts):
    assert facts["noisy expected"].std() > 1e-3
    np.testing.assert_allclose(facts["noisy features"], facts["noisy expected"], atol=1e-5)


def test_a_saved_model_needs_no_foreign_package(built):
    config = zipfile.ZipFile(built.parent / "noisy.keras").read("config.json").decode()
    assert "FixedDropout" not in config and "efficientnet.model" not in config
    names = {
        part.split('"')[1] for part in config.split('"registered_name": ')[1:] if part[0] == '"'
    }
    assert names <= {"Functional"}


def test_the_graph_is_the_same_whatever_the_weights(facts):
    assert facts["rescaled"].tolist() == [1, 1, 1]


def test_another_networks_weights_are_refused(facts):
    assert "weights must be a file of EfficientNetV2B0" in str(facts["other network"])


def test_published_weights_are_those_of_the_libraries(facts):
    ours, theirs = json.loads(str(facts["published"]))
    assert ours == theirs


def test_a_download_is_announced_and_checked(facts):
    first, first_done, second_done, *more = json.loads(str(facts["told"]))
    assert facts["downloaded"]
    assert first.startswith("downloading file:///") and first.endswith("keras/models")
    assert "sha256 " in first_done and second_done == first_done, (
        "the second time nothing is fetched"
    )
    assert not [text for text in more if "sha256" in text]
    assert "md5 000000" in str(facts["download error"])


def test_weights_that_need_no_download(tmp_path):
    file = tmp_path / "mine.h5"
    file.write_bytes(b"x")
    told = []
    known = {"imagenet": lambda: file}
    assert weights_file.find("none", known) is None
    assert weights_file.find(str(file), {}) == file
    assert weights_file.find("imagenet", known, on_progress=lambda *c: told.append(c)) == file
    assert "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" in told[0][2]


def test_unknown_weights_are_refused():
    rule = r"weights must be 'imagenet', 'none' or the path of a file. Received: 'noisy'"
    with pytest.raises(ValueError, match=rule):
        weights_file.find("noisy", {"imagenet": Path})


@pytest.mark.slow
def test_every_model_learns_and_exports(child, tmp_path):
    models = list(registry.MODELS)
    child("train_models", tmp_path, *models)
    facts = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))
    for model in models:
        found = facts[model]
        assert found["frozen"] == {"adapter": 0, "backbone": 0, "head": 2}, model
        assert found["thawed"]["adapter"] == 4 and found["thawed"]["head"] == 2, model
        assert found["thawed"]["backbone"] >= found["kernels"], model
        assert found["parity"] <= 1e-5, model
        assert len(onnx.load(tmp_path / model / "classifier.onnx").graph.input) == 1, model
