"""What inputs are worth, of classifiers that look at one of them alone."""

from typing import Any

import numpy as np
import pytest

from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import Recipe
from pose_activity.stage2_classifier.scores.input_worth import (
    Worth,
    by_classifying,
    ignored_stage1,
    measure,
    parts_of,
)

N = 40
LABELS = np.arange(N) % 2


def worth(recipe: Recipe, classify: Any, arrays: list[Any]) -> dict[tuple[str, str], Worth]:
    batches = [
        {k: v[None] for k, v in x.items()} if isinstance(x, dict) else x[None] for x in arrays
    ]
    answers = np.array([classify(batch)[0].argmax() for batch in batches])
    before = [str(x) for x in arrays]
    rows = measure(
        by_classifying(classify, arrays.__getitem__, len(arrays)),
        answers=answers,
        labels=LABELS,
        clusters=np.arange(N),
        parts=parts_of(recipe),
    )
    assert [str(x) for x in arrays] == before, "the cache's arrays stay as they are"
    return {(row.part, row.replaced_by): row for row in rows}


def looks_at(plane: np.ndarray) -> np.ndarray:
    """Says class 1 where a plane is bright."""
    bright = float(plane.mean() > 200)
    return np.array([[1 - bright, bright]])


@pytest.mark.parametrize(("channels", "used", "ignored"), [(3, "heatmap", "rgb")])
def test_a_plane_that_is_looked_at_and_one_that_is_not(channels, used, ignored) -> None:
    recipe = Recipe(width=32, height=32)
    arrays = [np.full((32, 32, 4), 255 * label, np.uint8) for label in LABELS]
    rows = worth(recipe, lambda x: looks_at(x[..., channels]), arrays)
    for how in ("nothing", "another picture's"):
        row = rows[ignored, how]
        assert (row.changed, row.gain, row.interval) == (0, 0, (0, 0)) and row.accuracy == 1
    blank, exchanged = rows[used, "nothing"], rows[used, "another picture's"]
    assert (blank.accuracy, blank.gain, blank.changed) == (0.5, 0.5, 0.5)
    assert blank.interval[0] > 0.3 and blank.of_stage1
    assert 0.2 < exchanged.changed < 0.8
    assert ignored_stage1([*rows.values()]) is None


def test_a_heatmap_that_is_ignored_says_so() -> None:
    recipe = Recipe(width=32, height=32)
    arrays = [np.full((32, 32, 4), 255 * label, np.uint8) for label in LABELS]
    rows = worth(recipe, lambda x: looks_at(x[..., :3]), arrays)
    assert ignored_stage1([*rows.values()]) == 0
    assert rows["rgb", "nothing"].gain == 0.5
    assert ignored_stage1([rows["rgb", "nothing"]]) is None


def test_views_by_name() -> None:
    recipe = Recipe(planes=("rgb",), width=64, height=48, person_view=PersonView(size=32))
    arrays = [
        {
            "picture": np.full((48, 64, 3), 200, np.uint8),
            "person": np.full((32, 32, 3), 255 * label, np.uint8),
            "found": np.ones(1, np.uint8),
        }
        for label in LABELS
    ]
    rows = worth(recipe, lambda x: looks_at(x["person"] * x["found"]), arrays)
    assert {part for part, _ in rows} == {"picture", "person"}
    assert rows["picture", "nothing"].changed == 0
    assert rows["person", "nothing"].gain == 0.5 and rows["person", "nothing"].of_stage1


def test_what_can_be_taken_away() -> None:
    assert parts_of(Recipe(planes=("rgb",))) == []
    both = ("rgb", "heatmap")
    recipe = Recipe(planes=both, person_view=PersonView(planes=both))
    parts = {part.name: part for part in parts_of(recipe)}
    assert [*parts] == [
        "picture",
        "picture: rgb",
        "picture: heatmap",
        "person",
        "person: rgb",
        "person: heatmap",
        "all that stage 1 finds",
    ]
    arrays = {piece.array for piece in parts["all that stage 1 finds"].pieces}
    assert arrays == {"picture", "person", "found"}
    assert sum(part.of_stage1 for part in parts.values()) == 4
