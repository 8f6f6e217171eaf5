"""Answers from kept features, compared with those of the composed graph, picture by picture."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from pose_activity.cache.record import as_float, as_input, stack
from pose_activity.runtime import calibrate, graph
from pose_activity.stage2_classifier.frozen import compose, features
from pose_activity.stage2_classifier.frozen.answers import FeatureAnswers
from pose_activity.stage2_classifier.frozen.layout import Layout
from pose_activity.stage2_classifier.scores import input_worth
from tests.stage2_classifier.frozen.fakes import write_backbone
from tests.stage2_classifier.frozen.test_compose import BOTH, RECIPES, draw, head_of

TEMPERATURE = 1.5
PARTNER = np.array([2, 0, 3, 1])


@pytest.mark.parametrize("pooling", [BOTH, ("max",)])
@pytest.mark.parametrize("name", RECIPES)
def test_they_are_those_of_the_graph_with_everything_and_without_each_part(
    name: str, pooling: tuple[str, ...], tmp_path: Path
) -> None:
    recipe, backbone = RECIPES[name], write_backbone(tmp_path / "backbone.onnx")
    layout, run = Layout.of(recipe), graph.load(backbone, engine="onnxruntime", threads=1)
    arrays = draw(recipe, 4)
    vectors = np.stack([features.vector(one, run, layout) for one in arrays])
    columns = layout.columns(pooling, vectors.shape[1])
    head = head_of(len(columns), joints=layout.joints)
    blank = features.vector(input_worth.blank(recipe), run, layout)
    found = FeatureAnswers(head, TEMPERATURE, vectors, blank, layout, columns)

    onnx.save(
        compose.compose(onnx.load(backbone), head, recipe=recipe, pooling=pooling),
        tmp_path / "classifier.onnx",
    )
    composed = graph.load(tmp_path / "classifier.onnx", engine="onnxruntime", threads=1)
    asked = []

    def classify(batch: input_worth.Input) -> np.ndarray:
        asked.append(calibrate.apply(composed(as_float(batch))[0], TEMPERATURE))
        return asked[-1]

    for one in arrays:
        classify(stack([as_input(one)]))
    np.testing.assert_allclose(found.probabilities(), np.concatenate(asked), atol=1e-4)
    assert np.array_equal(found.take(PARTNER).probabilities(), found.probabilities()[PARTNER])

    slow = input_worth.by_classifying(classify, lambda i: as_input(arrays[i]), len(arrays))
    parts = input_worth.parts_of(recipe)
    assert bool(parts) == (name != "rgb")
    for part in parts:
        for partner in (None, PARTNER):
            asked.clear()
            guesses = slow(part, partner)
            assert np.array_equal(found.without(part, partner), guesses)
            exact = found.probabilities_without(part, partner)
            np.testing.assert_allclose(exact, np.concatenate(asked), atol=1e-4)


def test_a_picture_that_shows_nothing_is_grey_with_an_empty_heatmap() -> None:
    found = input_worth.blank(RECIPES["two views"])
    assert {name: array.shape for name, array in found.items()} == {
        "picture": (48, 64, 3),
        "person": (32, 32, 4),
        "found": (1,),
    }
    assert not found["found"].any() and not found["person"][..., 3].any()
    assert (found["picture"] == 114).all() and (found["person"][..., :3] == 114).all()
