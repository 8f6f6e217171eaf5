"""Every network is built, and losses and metrics are asked by hand: in a process of their own."""

import json
from pathlib import Path

import pytest

from tests.forkserver import fresh_process

pytestmark = pytest.mark.slow
CHILDREN = Path(__file__).parent / "children"


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    done = fresh_process(CHILDREN / "look_at_networks.py", folder)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return json.loads((folder / "facts.json").read_text(encoding="utf-8"))


def test_hpnet_has_as_many_parameters_as_the_published_one(facts):
    assert facts["hpnet"] == [3_008_562, 3_003_930]


def test_every_network_answers_with_probabilities(facts):
    sizes = {}
    for name, (height, width, classes, off) in facts["shapes"].items():
        model, _ = name.split()
        assert classes == (2 if model == "bgnet" else 9) and off < 1e-5
        sizes[model] = (height, width)
    assert sizes["hpnet"] == sizes["hpnet_strided"] == sizes["bgnet_hpnet"] == (240, 320)
    assert sizes["unet"] == (96, 128) and sizes["unet_mobilenet"] == (48, 64)
    assert sizes["bodypix"] == (24, 32) and sizes["lite0_decoder"] == (48, 64)


def test_what_does_not_fit_is_refused(facts):
    refused = facts["refused"]
    assert "height must be a multiple of 40" in refused["size"] and "Take 80" in refused["size"]
    assert "planes must be rgb" in refused["planes"]
    assert "bgnet tells two classes apart" in refused["classes"]
    assert "model must be one of" in refused["name"]


def test_bodypix_weights_answer_in_keras_as_the_graph_does(facts):
    assert facts["bodypix"] < 1e-4


@pytest.mark.parametrize(
    "loss", ["crossentropy", "weighted", "dice", "crossentropy_dice", "squared"]
)
def test_losses_are_those_of_a_few_lines_of_numpy(facts, loss):
    measured, expected = facts[loss]
    assert measured == pytest.approx(expected, abs=1e-5)


def test_part_distance_is_what_a_hand_computes(facts):
    # Forearm to foot: upper arm, torso, thigh, lower leg, foot; the farthest pair is hand to foot.
    assert facts["mu"]["far"] == pytest.approx([1 / 6, 5 / 6, 1])
    assert facts["mu"]["near"] == pytest.approx([11 / 12, 7 / 12, 1])
    for mu, (torso, foot, hand) in facts["mu"].items():
        # E: two classes are off by the same in each pixel; the true one's mu is 0.
        pixels = [0.25 * (2 + torso), 0.5 * (2 + foot), 0.1 * (2 + hand)]
        expected = sum(pixels) / 9 / 3 + 1e-6
        assert facts[f"part_distance_{mu}"] == pytest.approx(expected, rel=1e-5)


def test_a_coarse_answer_is_compared_at_the_centres_of_its_pixels(facts):
    assert facts["centres"] == [[[18, 22], [50, 54]]]


def test_metrics_join_what_the_labels_do_not_tell_apart(facts):
    assert all(facts["groups"])
    # Known: background right, head missed, lower arm right (as the other side's).
    assert facts["miou"] == pytest.approx((0.5 + 0 + 1) / 3)
    assert facts["recall"] == pytest.approx(1 / 2)


def test_rates_fall_as_published(facts):
    assert facts["optimizers"] == ["LayerwiseAdam", "Nadam", "SGD", "SGD", "SGD"]
    rates = facts["rates"]
    assert rates["first"] == 0.1 and rates["falling"] == pytest.approx(0.1 / (1 + 0.01 * 30))
    assert rates["flat"] == pytest.approx(0.1), "the next decay begins with k = 0"
    assert rates["flat, later"] == pytest.approx(0.1 / (1 + 0.001 * 10))
    assert rates["without"] == pytest.approx(0.1 / (1 + 0.01 * 61))
