"""Looks at the models that `children/look_at_sequence_models.py` built."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_activity.annotations.skeleton import OPENPOSE18
from pose_activity.stage2_classifier.models.sequences import registry
from pose_activity.stage2_classifier.models.sequences.registry import SEQUENCE_MODELS

CHEAP = ("lstm", "bilstm", "stacked_lstm", "gru", "gait_embedding")


@pytest.fixture(scope="module")
def looked(child, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    child("look_at_sequence_models", folder, *CHEAP)
    return folder


@pytest.fixture(scope="module")
def facts(looked) -> dict[str, Any]:
    return json.loads((looked / "facts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def arrays(looked) -> dict[str, np.ndarray]:
    return dict(np.load(looked / "arrays.npz"))


def check(fact: dict[str, Any]) -> None:
    probabilities, embedding = fact["shapes"]
    assert probabilities == [3, 3] and embedding[0] == 3 and len(embedding) == 2
    assert fact["sums"] == pytest.approx([1] * 3, abs=1e-5)
    assert fact["moved in time"] < 1e-5 < 1e-3 < fact["of another walk"]
    assert fact["after loading"] < 1e-6


@pytest.mark.parametrize("model", CHEAP)
def test_missing_frames_change_nothing_and_models_can_be_saved(facts, model):
    check(facts[model])


@pytest.mark.parametrize(
    "models", [("lstm", "gru"), pytest.param(tuple(SEQUENCE_MODELS), marks=pytest.mark.slow)]
)
def test_onnx_answers_as_keras_does(child, tmp_path, models):
    pytest.importorskip("openvino")
    child("look_at_sequence_models", tmp_path, *models, "--export")
    facts = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))
    for model in models:
        check(facts[model])
        assert facts[model]["onnxruntime"] < 1e-5 and facts[model]["openvino"] < 1e-5, model


@pytest.mark.parametrize("model", SEQUENCE_MODELS)
def test_options_are_known_without_tensorflow(model):
    options = registry.options_of(model)
    assert options and not {"recipe_shape", "skeleton", "classes", "dropout"} & set(options)
    registry.check_options(model, options)


def test_unknown_options_and_models_are_refused():
    assert registry.options_of("lstm")["units"] == 64
    with pytest.raises(ValueError, match="bilstm has the options .*'units': 64.*Received: unit$"):
        registry.check_options("bilstm", {"unit": 3, "units": 4})
    with pytest.raises(ValueError, match="must be one of .*'lstm'.*Received: 'rnn'"):
        registry.options_of("rnn")


def test_tensors_that_do_not_fit_are_refused(facts):
    errors = facts["errors"]
    assert "inputs must be names from ['joints', " in errors["part"]
    assert errors["no part"].endswith("Received: []")
    assert "Received: 3 channels. Add it" in errors["confidence"]
    assert "takes joints of 'openpose18'" in errors["maps"] and "kind 'joints'" in errors["maps"]
    assert "'last' or 'mean'. Received: 'max'" in errors["pool"]
    assert "takes joint maps" in errors["joints"] and "Received: (9, 18, 3)" in errors["joints"]


def test_what_a_frame_says(arrays):
    """A slow loop over frames, joints and bones."""
    joints = arrays["tensors"]
    places, valid = joints[..., :2].astype(float), joints[..., 3]
    there = (valid > 0) | places.any(-1)
    bones = OPENPOSE18.bone_index
    for b, t in np.ndindex(2, 5):
        for k in range(18):
            pair = slice(2 * k, 2 * k + 2)
            moved = there[b, t, k] and t and there[b, t - 1, k]
            motion = places[b, t, k] - places[b, t - 1, k] if moved else (0, 0)
            np.testing.assert_allclose(arrays["motion"][b, t, pair], motion, atol=1e-6)
        for number, (a, z) in enumerate(bones):
            pair = slice(2 * number, 2 * number + 2)
            now = places[b, t, z] - places[b, t, a]
            whole = there[b, t, a] and there[b, t, z]
            np.testing.assert_allclose(arrays["bones"][b, t, pair], now * whole, atol=1e-6)
            before = places[b, t - 1, z] - places[b, t - 1, a]
            moved = t and whole and there[b, t - 1, a] and there[b, t - 1, z]
            expected = now - before if moved else (0, 0)
            np.testing.assert_allclose(arrays["bone_motion"][b, t, pair], expected, atol=1e-6)
    np.testing.assert_array_equal(arrays["valid"], valid)
    np.testing.assert_array_equal(arrays["confidence"], joints[..., 2])
    both = np.concatenate([valid, joints[..., :2].reshape(2, 5, 36)], axis=-1)
    np.testing.assert_array_equal(arrays["two"], both)


def test_pooling_over_the_mask(arrays):
    sequence = arrays["sequence"]
    means = [sequence[0, [0, 1, 3]].mean(0), sequence[1, 2:].mean(0), np.zeros(2)]
    np.testing.assert_allclose(arrays["mean"], means, rtol=1e-5)
    np.testing.assert_array_equal(arrays["first"], [sequence[0, 0], sequence[1, 2], [0, 0]])
    np.testing.assert_array_equal(arrays["last"], [sequence[0, 3], sequence[1, 4], [0, 0]])


def test_the_gru_is_that_of_keras_with_a_mask(arrays):
    np.testing.assert_allclose(arrays["gru"], arrays["keras gru"], atol=1e-6)


def test_what_shuts_a_layer_is_not_learned(arrays):
    kernel = arrays["kernel after a step"]
    assert kernel[-1].tolist() == [-60.0] * 4 + [60.0] * 4 + [0.0] * 8
    assert kernel[:-1].std() > 0.1
