"""The exported classifier of sequences without TensorFlow."""

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
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier import predict, predict_sequences, sidecar
from tests.stage2_classifier.walkers import NAMES, RECIPE

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ("onnxruntime", "openvino")

ALONE = """
import sys
from pathlib import Path
import numpy as np
from pose_activity.stage2_classifier import predict_sequences
classifier = predict_sequences.load(Path(sys.argv[1]), engine="onnxruntime", threads=1)
print(classifier(np.zeros((2, 12, 18, 4), np.float32)).shape)
wrong = {"torch", "tensorflow", "keras", "scipy", "sklearn", "pyarrow", "pandas"}
print(sorted(wrong & set(sys.modules)))
"""


@pytest.fixture
def folder(walked) -> Path:
    return walked["folder"] / "whole"


@pytest.fixture
def saved(walked) -> dict[str, np.ndarray]:
    return dict(np.load(walked["folder"] / "answers.npz"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("count", [1, 9])
def test_the_graph_answers_as_keras_does(walked, folder, saved, engine, count):
    pytest.importorskip(engine)
    probabilities, embeddings = predict_sequences.load(folder, engine=engine, threads=1).graph(
        saved["tensors"][:count]
    )
    np.testing.assert_allclose(probabilities, saved["probabilities"][:count], atol=1e-5)
    np.testing.assert_allclose(embeddings, saved["embeddings"][:count], atol=1e-4)
    assert 0 <= walked["parity"] <= 1e-4


def test_the_graph(folder):
    body = onnx.load(folder / "classifier.onnx").graph
    (entry,) = body.input
    sizes = [dimension.dim_value for dimension in entry.type.tensor_type.shape.dim]
    assert sizes == [0, 12, 18, 4]
    assert [output.name for output in body.output] == ["probabilities", "embedding"]


def test_the_sidecar_describes_it(walked, folder, saved):
    about = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
    assert about["kind"] == "sequence" and about["classes"] == list(NAMES)
    assert about["sha256"] == sha256_file(folder / "classifier.onnx")
    assert about["parity"] == walked["parity"]
    temperature = calibrate.temperature(saved["probabilities"], saved["labels"])
    assert about["temperature"] == pytest.approx(temperature, rel=1e-3)
    assert predict_sequences.load(folder, threads=1).recipe == RECIPE
    assert sidecar.kind_of(folder) == "sequence"


def test_clips_are_calibrated_on_the_means_over_their_windows(folder, saved):
    classifier = predict_sequences.load(folder, threads=1)
    names = sorted({*saved["clips"]})
    rows = [saved["clips"] == name for name in names]
    windows = calibrate.apply(saved["probabilities"], classifier.temperature)
    means = np.stack([windows[row].mean(0) for row in rows])
    labels = np.array([saved["labels"][row][0] for row in rows])
    assert 1 < len(names) < len(windows)
    expected = calibrate.fit(means, labels, precision=0.5, min_coverage=0.8)
    found = classifier.of_clips
    assert found.fitted_on == len(names) and classifier.least_seen == 0.4
    assert found.temperature == pytest.approx(expected.temperature, rel=1e-2)
    assert found.unknown_below == pytest.approx(expected.unknown_below, abs=1e-3)
    answer = classifier.of_clip(classifier(saved["tensors"][rows[0]]))
    truth = calibrate.apply(means[:1], expected.temperature)[0]
    np.testing.assert_allclose(answer, truth, atol=1e-2)
    about = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
    assert (about["fitted_on"], about["of_clips"]["fitted_on"]) == (len(windows), len(names))


def test_a_sidecar_of_an_older_version_still_opens(folder, saved, tmp_path):
    """It calibrated windows only: a clip is their mean as it is, with the windows' threshold."""
    shutil.copy(folder / "classifier.onnx", tmp_path / "classifier.onnx")
    about = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
    for name in ("of_clips", "least_seen", "fitted_on"):
        del about[name]
    about |= {"temperature": 2.0, "unknown_below": 0.6, "unknown_coverage": 0.3}
    (tmp_path / "classifier.json").write_text(json.dumps(about), encoding="utf-8")
    classifier = predict_sequences.load(tmp_path, threads=1)
    assert classifier.of_clips == calibrate.Calibration(1.0, 0.6, 0.3)
    windows = classifier(saved["tensors"][:4])
    np.testing.assert_allclose(classifier.of_clip(windows), windows.mean(0), atol=1e-6)
    about["of_clips"] = {"temperature": 0}
    (tmp_path / "classifier.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(ValueError, match="damaged.*temperature must be positive"):
        predict_sequences.load(tmp_path, threads=1)


def test_a_graph_that_differs_is_refused_and_not_written(walked):
    assert "must answer as Keras does, within -1. Received: a difference" in walked["not exact"]
    assert walked["graphs"] == []


def test_probabilities_are_calibrated(folder, saved):
    classifier = predict_sequences.load(folder, threads=1)
    answers = classifier(saved["tensors"])
    expected = calibrate.apply(saved["probabilities"], classifier.temperature)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, expected, atol=1e-4)


def test_embeddings_have_length_one(folder, saved):
    vectors = predict_sequences.load(folder, threads=1).embed(saved["tensors"])
    assert vectors.dtype == np.float32
    expected = saved["embeddings"] / np.sqrt((saved["embeddings"] ** 2).sum(1))[:, None]
    np.testing.assert_allclose(vectors, expected, atol=1e-4)


def test_nothing_in_nothing_out(folder):
    classifier = predict_sequences.load(folder, threads=1)
    nothing = np.zeros((0, 12, 18, 4), np.float32)
    assert classifier(nothing).shape == (0, 3)
    assert classifier.embed(nothing).shape == (0, 6)


@pytest.mark.parametrize(("shape", "dtype"), [((1, 12, 18, 3), "f4"), ((1, 12, 18, 4), "f8")])
def test_other_tensors_are_refused(folder, shape, dtype):
    classifier = predict_sequences.load(folder, threads=1)
    with pytest.raises(ValueError, match=r"tensors must be float32 \(N, 12, 18, 4\). Received"):
        classifier(np.zeros(shape, dtype))


def test_imports_no_training_library(folder):
    command = [sys.executable, "-c", ALONE, folder]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert run.stdout.splitlines() == ["(2, 3)", "[]"]


def test_the_other_kind_of_classifier_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="a classifier of pictures. Received: one of sequences"):
        predict.load(folder)
    for name in ("classifier.onnx", "classifier.json"):
        shutil.copy(folder / name, tmp_path / name)
    about = json.loads((tmp_path / "classifier.json").read_text(encoding="utf-8"))
    about["kind"] = "smell"
    (tmp_path / "classifier.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(ValueError, match="damaged.*kind 'smell'"):
        predict_sequences.load(tmp_path)
    del about["kind"]
    about["recipe"] = Recipe().as_json()
    (tmp_path / "classifier.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(ValueError, match="a classifier of sequences. Received: one of pictures"):
        predict_sequences.load(tmp_path)


def test_a_clip_is_the_mean_of_its_windows():
    windows = np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]], np.float32)
    answer = predict_sequences.of_clip(windows)
    assert answer.dtype == np.float32 and answer.tolist() == [0.25, 0.75]
    with pytest.raises(ValueError, match="at least one window. Received: none"):
        predict_sequences.of_clip(windows[:0])
