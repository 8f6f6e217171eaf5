"""A training of body parts, killed and resumed, and its exported graph; in a process of its own."""

import json
from pathlib import Path

import pytest

from tests.forkserver import fresh_process

pytestmark = pytest.mark.slow
CHILDREN = Path(__file__).parent / "children"


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    pytest.importorskip("ai_edge_litert", reason="the extra phone is needed")
    folder = tmp_path_factory.mktemp("training")
    done = fresh_process(CHILDREN / "train_networks.py", folder)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return json.loads((folder / "facts.json").read_text(encoding="utf-8"))


def test_a_killed_training_ends_with_the_same_weights(facts):
    assert facts["same"], "and looking at it after each epoch changes nothing"
    assert facts["pictures"] == 2, "of the epochs after it was killed"


def test_memory_is_not_mapped_anew_in_every_operation(facts):
    assert facts["faults"] < 10 * (1 << 24) / 4096 / 2, "half of the pages of ten arrays"


def test_labels_of_two_levels_train_one_network(facts):
    first, *_, last = facts["metrics"]
    assert last["loss"] < first["loss"]
    assert {"miou", "body_recall", "val_miou", "val_body_recall"} <= last.keys()
    assert 0 <= last["val_miou"] <= 1


def test_rates_are_set_before_each_epoch(facts):
    assert facts["rates"] == pytest.approx([0.01, 0.01 / 1.01])


def test_a_training_starts_from_another_ones_weights(facts):
    assert facts["further"] < facts["metrics"][0]["val_loss"], "it hardly learned any more"


def test_the_graph_answers_for_every_pixel_as_keras_does(facts):
    assert facts["parity"] <= 1e-4
    assert facts["shape"] == [4, 32, 32, 15] and facts["empty"] == [0, 32, 32, 15]
    assert facts["sums"] < 1e-5 and facts["enlarged"] == [None, 32, 32, 15]
    assert max(facts["places"]) < 1e-4, "an answer lies where its target was"
    assert facts["mirror"] < 1e-4, "of a mirrored image it says the mirrored answer"


def test_a_litert_file_answers_as_keras_does(facts):
    assert facts["litert"] <= 1e-4 and facts["files"] == ["parts.tflite"]
    assert "must answer as Keras does, within -1" in facts["refused"]["litert"]


def test_pixels_are_calibrated(facts):
    assert 0.05 <= facts["temperature"] <= 20
    assert {*facts["calibration"]} == {"before", "after"}
    assert len(facts["weights"]) == 15 and min(facts["weights"]) >= 1


def test_what_does_not_fit_is_refused(facts):
    refused = facts["refused"]
    assert "needs a class for each pixel" in refused["coarse"]
    assert "must hold the same network" in refused["start"]
    assert "starts from no weights" in refused["weights"]
    assert "planes must be uint8 (N, 32, 32, 4)" in refused["planes"]
    assert "is not the graph that parts.json describes" in refused["graph"]
