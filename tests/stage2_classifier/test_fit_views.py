"""Looks at what a child process fine-tuned (see `children/train_views.py`)."""

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score

from pose_activity.cache.record import by_name
from pose_activity.cache.store import open_cache
from pose_activity.stage2_classifier import predict
from pose_activity.stage2_classifier.options import FineTune


@pytest.fixture(scope="module")
def two_views(cache_folder):
    return cache_folder.with_name("two_views")


@pytest.fixture(scope="module")
def tuned(child, two_views, tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    child("train_views", two_views, folder)
    return {**json.loads((folder / "facts.json").read_text(encoding="utf-8")), "folder": folder}


@pytest.fixture(scope="module")
def arrays(tuned):
    with np.load(tuned["folder"] / "answers.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def head(arrays):
    """Of `children/child_views.py`."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.1, (arrays["features"].shape[1], 3)), rng.normal(0, 0.1, 3)


def test_small_pictures_come_first(tuned):
    assert tuned["phases"] == ["fine_tune_small"] * 2 + ["fine_tune"] * 2
    assert {"accuracy", "loss", "val_accuracy", "val_loss", "val_macro_f1"} <= {*tuned["metrics"]}


def test_learns_and_is_not_repeated(tuned):
    assert tuned["losses"][-1] < 0.6 * tuned["losses"][0]
    assert tuned["again"]


def test_starts_as_the_head_on_frozen_features(arrays, head):
    kernel, bias = head
    logits = arrays["features"] @ kernel + bias
    powers = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(arrays["start"], powers / powers.sum(1, keepdims=True), atol=1e-5)


def test_a_head_of_other_features_is_refused(tuned):
    assert "The head must have a kernel and a bias of [(129, 3), (3,)]" in tuned["wrong head"]
    assert "Received: [(128, 3), (3,)]" in tuned["wrong head"]


def test_all_but_batch_normalisation_and_held_blocks_move(tuned):
    names = {
        kind: {"/".join(path.split("/")[-2:]) for path in paths}
        for kind, paths in tuned["moved"].items()
    }
    head = {"head/kernel", "head/bias", "branch_out/kernel", "branch_out/bias"}
    assert names["all"] >= head | {"first/kernel", "last/kernel", "branch_in/kernel"}
    assert names["held"] >= head | {"last/kernel"}
    assert not [name for name in names["all"] if name.startswith("norm")]
    assert "first/kernel" not in names["held"]


def test_the_average_is_what_is_kept(tuned):
    assert [name for name in tuned["averaged"] if name.endswith("head/kernel")]


@pytest.mark.parametrize("folder", ["whole", "both"])
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_graph_answers_as_keras_does(tuned, arrays, two_views, folder, engine):
    pytest.importorskip(engine)
    cache = open_cache(two_views)
    x = [cache.load(entry).x for entry in cache.of_split("test")]
    batch = {name: np.stack([one[name] for one in x]) for name in x[0]}
    classifier = predict.load(tuned["folder"] / folder, engine=engine, threads=1)
    classifier.temperature = 1.0
    expected = arrays["answers"]
    if folder == "both":
        expected = (expected + arrays["of mirrored"]) / 2
    np.testing.assert_allclose(classifier(batch), expected, atol=1e-5)
    _, maps = classifier.explain(batch)
    assert {name: m.shape for name, m in by_name(maps).items()} == {
        "picture": (len(x), 4, 4),
        "person": (len(x), 3, 3),
    }


def test_parity_is_measured(tuned):
    assert 0 <= tuned["parity"] <= 1e-5 and 0 <= tuned["parity of both"] <= 1e-5


def test_mixtures_are_of_two_examples_of_the_batch(tuned, arrays):
    shares, ids = arrays["mixed y"], arrays["y"]
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    for i, mixed in enumerate(arrays["mixed picture"]):
        own, target = arrays["picture"], np.eye(3)[ids]
        ways = own - own[i]  # from this example to each other one
        size = np.maximum((ways**2).sum((1, 2, 3)), 1e-9)
        part = ((mixed - own[i]) * ways).sum((1, 2, 3)) / size
        rests = np.abs(mixed - own[i] - part[:, None, None, None] * ways).max((1, 2, 3))
        best = int(rests.argmin())
        assert rests[best] < 0.01 and -1e-6 <= part[best] <= 0.5
        blend = (1 - part[best]) * target[i] + part[best] * target[best]
        np.testing.assert_allclose(shares[i], blend, atol=1e-4)
        same = (1 - part[best]) * arrays["person"][i] + part[best] * arrays["person"][best]
        np.testing.assert_allclose(arrays["mixed person"][i], same, atol=0.01)


def test_mixtures_follow_from_seed_and_epoch(tuned):
    assert tuned["mixed again"] and tuned["mixed otherwise"]


def test_small_epochs_see_small_pictures(tuned):
    assert tuned["shrunk"] == {
        "picture": [12, 32, 32, 4],
        "person": [12, 24, 24, 4],
        "found": [12, 1],
    }


def test_balanced_epochs_show_each_class_as_often(tuned):
    for order in tuned["balanced"]:
        assert len(order) == 25 and sorted(np.bincount(order)) == [8, 8, 9]
    assert tuned["balanced"][0] != tuned["balanced"][1]


def test_the_loss(tuned):
    truth, guess = [0, 2, 2], np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1]])
    weights, smoothed = [1.0, 2.0, 3.0], 0.7 * np.eye(3)[truth] + 0.1
    losses = [
        weights[t] * (1 - p[t]) ** 2 * -(s @ np.log(p))
        for t, p, s in zip(truth, guess, smoothed, strict=True)
    ]
    assert tuned["loss"] == pytest.approx([np.mean(losses)] * 2, rel=1e-5)
    assert tuned["accuracy"] == [[1, 1, 0]] * 2
    assert tuned["macro F1"] == pytest.approx(f1_score(truth, guess.argmax(1), average="macro"))


def test_each_layer_steps_at_its_rate_and_is_averaged(arrays):
    for layer, rate in enumerate((0.025, 0.1)):
        weight = arrays["before"][layer].astype(np.float64)
        mean = first = second = np.zeros_like(weight)
        for step, gradients in enumerate(arrays["gradients"]):
            gradient = gradients[layer]
            weight = weight - rate * 0.5 * weight
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            scale = np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
            weight = weight - rate * scale * first / (np.sqrt(second) + 1e-7)
            share = min(0.9, step / (step + 10))
            mean = share * mean + (1 - share) * weight
        np.testing.assert_allclose(arrays["after"][layer], weight, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(arrays["average"][layer], mean, rtol=1e-4, atol=1e-5)


def test_the_warm_up_must_end():
    with pytest.raises(ValueError, match=r"warmup_epochs must end .* Received: 2.0 of 2"):
        FineTune(epochs=2, warmup_epochs=2.0)


@pytest.mark.slow  # `test_fit` kills the same loop in the default suite
@pytest.mark.parametrize("at_steps", [(8, 18)])
def test_kill_9_changes_nothing(tuned, child, two_views, tmp_path, at_steps):
    """With mixtures, an average and balanced epochs; in the second epoch of each phase."""
    out = tmp_path / "out"
    for steps in at_steps:
        killed = child("child_views", two_views, out, steps, check=False)
        assert killed.returncode == -9
    resumed = json.loads(child("child_views", two_views, out, 0).stdout)
    whole = json.loads(child("child_views", two_views, tmp_path / "whole", 0).stdout)
    assert resumed == whole


@pytest.mark.slow  # the tests above fine-tune on two views in the default suite
def test_limbs_that_only_the_heatmap_shows_are_learned(child, tmp_path):
    child("train_limbs", tmp_path)
    facts = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))
    assert facts["seen"] > 0.9 and facts["blank"] <= 0.6
