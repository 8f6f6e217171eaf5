"""A classifier of two views takes its arrays by name, on every engine."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.cache.planes import Recipe
from pose_activity.cache.record import stack
from pose_activity.runtime.graph import ENGINES
from pose_activity.stage2_classifier import predict
from tests.inference.view_model import CLASSES, RECIPE, write_classifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classifier(tmp_path_factory.mktemp("views"))


def batch_of(*colours: tuple[int, int, int] | None, seed: int = 0) -> dict[str, np.ndarray]:
    """A batch of people of one colour each, or of nobody; pictures at random."""
    rng = np.random.default_rng(seed)
    examples = [
        {
            "picture": rng.integers(0, 255, (24, 32, 3), np.uint8),
            "person": np.full((16, 16, 3), colour or (9, 9, 9), np.uint8),
            "found": np.array([colour is not None], np.uint8),
        }
        for colour in colours
    ]
    batch = stack(examples)
    assert isinstance(batch, dict)
    return batch


RED, BLUE = (250, 10, 10), (10, 10, 250)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_input_reaches_the_answer(folder: Path, engine: str) -> None:
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    classifier = predict.load(folder, engine=engine, threads=1)
    batch = batch_of(RED, BLUE, None, RED)
    answers = classifier(batch)
    assert [CLASSES[i] for i in answers.argmax(1)] == ["red", "blue", "nobody", "red"]
    logits = np.zeros((4, 3))
    for row in range(4):  # as the graph's text says
        for column, channel in ((0, 0), (1, 2)):
            of_person = batch["person"][row, ..., channel].mean()
            of_picture = batch["picture"][row, ..., channel].mean()
            logits[row, column] = 0.05 * of_person + 0.001 * of_picture
        logits[row, 2] = 1000 * (1 - int(batch["found"][row, 0]))
    expected = np.exp(logits - logits.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(answers, expected, atol=1e-5)
    one_by_one = [classifier({n: a[i : i + 1] for n, a in batch.items()})[0] for i in range(4)]
    np.testing.assert_allclose(answers, one_by_one, atol=1e-6)


def test_an_explanation_has_a_map_for_each_view(folder: Path) -> None:
    classifier, batch = predict.load(folder, threads=1), batch_of(RED, BLUE)
    assert classifier.has_maps
    probabilities, maps = classifier.explain(batch)
    np.testing.assert_array_equal(probabilities, classifier(batch))
    assert isinstance(maps, dict) and [*maps] == ["picture", "person"]
    assert maps["picture"].shape == (2, 3, 4) and maps["person"].shape == (2, 2, 2)
    np.testing.assert_allclose(maps["person"][:, 0, 0], [240, -240])
    block = batch["picture"][1, 8:16, 24:32].astype(float)
    np.testing.assert_allclose(maps["picture"][1, 1, 3], (block[..., 0] - block[..., 2]).mean())


def test_other_arrays_are_refused(folder: Path) -> None:
    classifier, batch = predict.load(folder, threads=1), batch_of(RED, BLUE)
    names = r"by the names \['picture', 'person', 'found'\]. Received: "
    with pytest.raises(ValueError, match=names + r"\['x'\]"):
        classifier(batch["picture"])
    with pytest.raises(ValueError, match=names + r"\['picture', 'person'\]"):
        classifier({name: batch[name] for name in ("picture", "person")})
    with pytest.raises(ValueError, match=r"'person' must be uint8 \(N, 16, 16, 3\)"):
        classifier({**batch, "person": batch["picture"]})
    with pytest.raises(ValueError, match=r"'found' must be uint8 \(N, 1\). Received: bool"):
        classifier({**batch, "found": batch["found"] == 1})
    with pytest.raises(ValueError, match="as many of each name. Received: .*'found': 1"):
        classifier({**batch, "found": batch["found"][:1]})
    nothing = classifier({name: array[:0] for name, array in batch.items()})
    assert nothing.shape == (0, 3)


def test_a_graph_of_other_inputs_is_refused(tmp_path: Path) -> None:
    view = RECIPE.person_view
    assert view is not None
    for recipe in (replace(RECIPE, person_view=replace(view, size=24)), Recipe()):
        write_classifier(tmp_path, recipe)
        with pytest.raises(ValueError, match=r"does not fit classifier.json.*'person': \(16, 16"):
            predict.load(tmp_path, threads=1)
