"""The composed graph, compared with arithmetic in numpy on the backbone's features."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import Recipe
from pose_activity.cache.record import ArraySpec, Example, X, as_float, as_input, stack
from pose_activity.runtime import graph
from pose_activity.runtime.calibrate import Calibration
from pose_activity.stage2_classifier import predict, sidecar
from pose_activity.stage2_classifier.frozen import compose, export, features, joint_scores
from pose_activity.stage2_classifier.frozen.head import LinearHead
from pose_activity.stage2_classifier.frozen.layout import Layout
from tests.stage2_classifier.frozen.fakes import D, write_backbone

CLASSES = ("a", "b", "c")
PERSON = PersonView(planes=("rgb", "heatmap"), size=32)
RECIPES = {
    "rgb": Recipe(planes=("rgb",), width=64, height=48),
    "two planes": Recipe(planes=("heatmap", "rgb"), width=64, height=48),
    "parts": Recipe(planes=("rgb", "parts", "rgb_person"), width=64, height=48),
    "two views": Recipe(planes=("rgb",), width=64, height=48, person_view=PERSON),
    "joints": Recipe(
        planes=("rgb",), width=64, height=48, person_view=replace(PERSON, joints=True)
    ),
}
BOTH = ("mean", "max")
THREE = Recipe(width=64, height=48, planes=("rgb",), person_view=PersonView(size=32, joints=True))


@pytest.fixture
def backbone(tmp_path: Path) -> Path:
    return write_backbone(tmp_path / "backbone.onnx")


def draw(recipe: Recipe, count: int) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    highest = {"found": 2, "joints": 2}

    def array(name: str, spec: ArraySpec) -> np.ndarray:
        values = rng.integers(0, highest.get(name, 256), spec.shape)
        if name == "joints":
            values[:, 0] = values[0, 0]  # somebody, or nobody, in both rows
        return values.astype(spec.dtype)

    return [{n: array(n, spec) for n, spec in recipe.arrays.items()} for _ in range(count)]


def head_of(size: int, *, joints: int = 0, seed: int = 0) -> LinearHead:
    """Returns a random head of vectors of a size, the last numbers of which are joints."""
    rng = np.random.default_rng(seed)
    size -= joints
    arrays = rng.normal(size=size), rng.uniform(0.5, 2, size), rng.normal(size=(size, 3))
    scores = None
    if joints:
        own = rng.normal(size=(12, joints // 2))
        own[:, 0] = 1  # somebody, whose mirror image is alike
        rows = np.hstack([own, own]).astype(np.float32)
        scores = joint_scores.fit(rows, np.arange(12) % 3, classes=3).times(3.0)
    mean, scale, weights = (array.astype(np.float32) for array in arrays)
    return LinearHead(mean, scale, weights, rng.normal(size=3).astype(np.float32), scores)


@pytest.mark.parametrize("pooling", [BOTH, ("max",), ("mean",)])
@pytest.mark.parametrize("name", RECIPES)
def test_it_answers_as_arithmetic_does(name: str, pooling, backbone: Path, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    layout, run = Layout.of(recipe), graph.load(backbone, engine="onnxruntime", threads=1)
    arrays = draw(recipe, 3)
    whole = np.stack([features.vector(one, run, layout) for one in arrays])
    assert whole.shape[1] == layout.size(D)
    vectors = whole[:, layout.columns(pooling, whole.shape[1])]
    head = head_of(vectors.shape[1], joints=layout.joints)
    model = compose.compose(onnx.load(backbone), head, recipe=recipe, pooling=pooling)
    onnx.save(model, tmp_path / "classifier.onnx")
    composed = graph.load(tmp_path / "classifier.onnx", engine="onnxruntime", threads=1)
    answers, *maps = composed(as_float(stack([as_input(one) for one in arrays])))
    expected = head.probabilities(vectors)
    np.testing.assert_allclose(answers, expected, atol=1e-5)
    assert len(maps) == len(recipe.views)
    # The maps' means, the bias and "found" are the most probable class's logit, without joints.
    kernel, bias = head.folded()
    best = expected.argmax(1)
    vectors = vectors[:, : len(kernel)]
    logits = (vectors @ kernel + bias)[np.arange(3), best]
    flag = vectors[:, -1] * kernel[-1, best] if layout.found else 0
    sums = np.sum([one.mean((1, 2)) for one in maps], axis=0)
    np.testing.assert_allclose(sums + bias[best] + flag, logits, atol=1e-3)


def test_the_map_of_a_mean_is_the_weighted_features(backbone: Path, tmp_path: Path) -> None:
    recipe = RECIPES["rgb"]
    run = graph.load(backbone, engine="onnxruntime", threads=1)
    head = head_of(D)
    model = compose.compose(onnx.load(backbone), head, recipe=recipe, pooling=("mean",))
    onnx.save(model, tmp_path / "classifier.onnx")
    batch = draw(recipe, 1)[0][X][None].astype(np.float32)
    answers, heat = graph.load(tmp_path / "classifier.onnx", engine="onnxruntime", threads=1)(batch)
    best, slow = int(answers[0].argmax()), np.zeros(heat[0].shape)
    places = run(batch)[0][0]
    for y in range(len(slow)):
        for x in range(len(slow[0])):
            for feature in range(D):
                weight = head.kernel[feature, best] / head.scale[feature]
                slow[y, x] += weight * places[y, x, feature]
    np.testing.assert_allclose(heat[0], slow, atol=1e-4)


def test_a_maximum_stands_at_its_place(backbone: Path, tmp_path: Path) -> None:
    recipe = RECIPES["rgb"]
    run = graph.load(backbone, engine="onnxruntime", threads=1)
    ones = np.ones(D, np.float32)
    kernel = np.zeros((D, 3), np.float32)
    kernel[2] = (5, 0, 0)
    head = LinearHead(0 * ones, ones, kernel, np.array([9, 0, 0], np.float32))
    model = compose.compose(onnx.load(backbone), head, recipe=recipe, pooling=("max",))
    onnx.save(model, tmp_path / "classifier.onnx")
    batch = draw(recipe, 1)[0][X][None].astype(np.float32)
    _, heat = graph.load(tmp_path / "classifier.onnx", engine="onnxruntime", threads=1)(batch)
    places = run(batch)[0][0, ..., 2]
    assert np.count_nonzero(heat) == 1
    assert heat[0].argmax() == places.argmax()


def test_the_weights_of_the_backbone_are_there_once(backbone: Path) -> None:
    recipe = RECIPES["two views"]
    head = head_of(Layout.of(recipe).size(D))
    once, twice = (
        compose.compose(onnx.load(backbone), head, recipe=recipe, pooling=BOTH) for _ in range(2)
    )
    assert once.SerializeToString() == twice.SerializeToString()
    onnx.checker.check_model(once, full_check=True)
    kernels = [c for c in once.graph.initializer if [*c.dims] == [D, 3, 8, 8]]
    assert len(kernels) == 1
    assert sum(node.op_type == "Conv" for node in once.graph.node) == 3


def test_a_head_of_another_size_is_refused(backbone: Path) -> None:
    with pytest.raises(ValueError, match="must take 2 blocks of equal length"):
        compose.compose(onnx.load(backbone), head_of(7), recipe=RECIPES["rgb"], pooling=BOTH)
    without = head_of(4 * D + 1)
    with pytest.raises(ValueError, match="numbers of joints. Received: 0"):
        compose.compose(onnx.load(backbone), without, recipe=THREE, pooling=BOTH)


def test_what_is_exported_is_a_classifier(backbone: Path, tmp_path: Path) -> None:
    recipe = RECIPES["two views"]
    layout, run = Layout.of(recipe), graph.load(backbone, engine="onnxruntime", threads=1)
    arrays = draw(recipe, 2)
    vectors = np.stack([features.vector(one, run, layout) for one in arrays])
    fitted = head_of(vectors.shape[1])
    asked = {"backbone": backbone, "fitted": fitted, "recipe": recipe, "classes": CLASSES}
    asked |= {"pooling": BOTH, "examples": [Example(as_input(one), None) for one in arrays]}
    calibration = Calibration(2.0, 0.5, 0.9, 30)
    parity = export.export(tmp_path, **asked, calibration=calibration, vectors=vectors)
    assert parity <= 1e-5
    classifier = predict.load(tmp_path, engine="onnxruntime", threads=1)
    assert (classifier.classes, classifier.temperature) == (CLASSES, 2.0)
    batch = stack([as_input(one) for one in arrays])
    answers, maps = classifier.explain(batch)
    assert [*maps] == ["picture", "person"]
    assert (answers.argmax(1) == fitted.probabilities(vectors).argmax(1)).all()
    (tmp_path / sidecar.GRAPH).unlink()
    with pytest.raises(ValueError, match="must answer as the head does"):
        export.export(tmp_path, **asked, calibration=calibration, vectors=0 * vectors)
    assert not (tmp_path / sidecar.GRAPH).exists()
