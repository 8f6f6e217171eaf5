"""The exported classifier without TensorFlow."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.cache.planes import Recipe
from pose_activity.stage2_classifier import predict

ROOT = Path(__file__).resolve().parents[2]

ALONE = """
import sys
from pathlib import Path
import numpy as np
from pose_activity.stage2_classifier import predict
classifier = predict.load(Path(sys.argv[1]), threads=1)
print(classifier(np.zeros((2, 64, 64, 4), np.uint8)).shape)
print(sorted({"torch", "ultralytics", "tensorflow", "keras"} & set(sys.modules)))
"""


def test_imports_no_training_library(lite0):
    run = subprocess.run(
        [sys.executable, "-c", ALONE, lite0],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert run.stdout.splitlines() == ["(2, 3)", "[]"]


def test_knows_classes_recipe_and_digest(lite0):
    classifier = predict.load(lite0, threads=1)
    assert classifier.classes == ("jumping", "reading", "walking")
    assert isinstance(classifier.recipe, Recipe) and classifier.recipe.channels == 4
    assert (
        classifier.sha256
        == json.loads((lite0 / "classifier.json").read_text(encoding="utf-8"))["sha256"]
    )


def test_probabilities(lite0):
    planes = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 4), dtype=np.uint8)
    answers = predict.load(lite0, threads=1)(planes)
    assert answers.dtype == np.float32 and answers.shape == (5, 3)
    assert np.allclose(answers.sum(1), 1, atol=1e-5)


def test_nothing_in_nothing_out(lite0):
    answers = predict.load(lite0, threads=1)(np.zeros((0, 64, 64, 4), np.uint8))
    assert answers.shape == (0, 3) and answers.dtype == np.float32


@pytest.mark.parametrize(
    "planes",
    [
        np.zeros((1, 64, 64, 3), np.uint8),
        np.zeros((64, 64, 4), np.uint8),
        np.zeros((1, 64, 64, 4), np.float32),
    ],
    ids=["channels", "no batch", "dtype"],
)
def test_other_planes_are_refused(lite0, planes):
    with pytest.raises(ValueError, match=r"planes must be uint8 \(N, 64, 64, 4\)"):
        predict.load(lite0, threads=1)(planes)


def test_probabilities_are_calibrated(lite0, tmp_path):
    planes = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 4), dtype=np.uint8)
    answers = {}
    for temperature in (1.0, 2.0):
        _copy(lite0, tmp_path)
        _change(tmp_path, temperature=temperature)
        answers[temperature] = predict.load(tmp_path, threads=1)(planes)
    roots = np.sqrt(answers[1.0])
    np.testing.assert_allclose(answers[2.0], roots / roots.sum(1, keepdims=True), rtol=1e-4)


def test_an_explanation_agrees_with_the_answer(lite0):
    planes = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 4), dtype=np.uint8)
    classifier = predict.load(lite0, threads=1)
    probabilities, maps = classifier.explain(planes)
    np.testing.assert_array_equal(probabilities, classifier(planes))
    assert isinstance(maps, np.ndarray) and maps.shape == (3, 2, 2) and maps.dtype == np.float32


def test_runs_of_older_versions_answer_but_cannot_explain(lite0, tmp_path):
    _copy(lite0, tmp_path)
    model = onnx.load(tmp_path / "classifier.onnx")
    del model.graph.output[1]
    onnx.save(model, tmp_path / "classifier.onnx")
    sidecar = json.loads((tmp_path / "classifier.json").read_text(encoding="utf-8"))
    kept = {name: sidecar[name] for name in ("classes", "recipe")}
    (tmp_path / "classifier.json").write_text(json.dumps(kept), encoding="utf-8")
    _change(tmp_path, sha256=sha256_file(tmp_path / "classifier.onnx"))
    old = predict.load(tmp_path, threads=1)
    planes = np.zeros((1, 64, 64, 4), np.uint8)
    assert old(planes).shape == (1, 3)
    assert (old.temperature, old.unknown_below, old.unknown_coverage) == (1.0, None, None)
    with pytest.raises(ValueError, match="made by an older version. Delete its manifest.json"):
        old.explain(planes)


@pytest.mark.parametrize("name", ["classifier.onnx", "classifier.json"])
def test_a_missing_file_is_named(lite0, tmp_path, name):
    _copy(lite0, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{name} is missing. Train the run first"):
        predict.load(tmp_path)


def test_a_foreign_graph_is_refused(lite0, tmp_path):
    _copy(lite0, tmp_path)
    with (tmp_path / "classifier.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="is not the graph that classifier.json describes"):
        predict.load(tmp_path)


def test_a_graph_of_other_classes_is_refused(lite0, tmp_path):
    _copy(lite0, tmp_path)
    _change(tmp_path, classes=["jumping", "reading"])
    with pytest.raises(
        ValueError, match=r"answer with arrays of \(2,\)\. Received: .* with \(3,\)"
    ):
        predict.load(tmp_path, threads=1)


@pytest.mark.parametrize("text", ["{", "{}", '{"classes": 3}'])
def test_a_damaged_sidecar_is_refused(lite0, tmp_path, text):
    _copy(lite0, tmp_path)
    (tmp_path / "classifier.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="classifier.json is damaged"):
        predict.load(tmp_path)


def test_a_temperature_that_is_none_is_refused(lite0, tmp_path):
    _copy(lite0, tmp_path)
    _change(tmp_path, temperature=-1)
    with pytest.raises(ValueError, match="damaged.*temperature must be positive. Received: -1"):
        predict.load(tmp_path)


def _change(folder: Path, **values: object) -> None:
    path = folder / "classifier.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8"
    )


def _copy(folder: Path, to: Path) -> None:
    for name in ("classifier.onnx", "classifier.json"):
        shutil.copy(folder / name, to / name)
