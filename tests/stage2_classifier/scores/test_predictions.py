"""A classifier's answers: what they say and their file, read by another library."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pose_activity.stage2_classifier.scores.predictions import Predictions

PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.05, 0.85], [0.3, 0.4, 0.3]], np.float32
)


def _answers(persons=(-1, -1, -1, -1)) -> Predictions:
    return Predictions(
        split="test",
        classes=("run", "sit", "walk"),
        images=tuple(Path(f"photos/{name}.jpg") for name in "abcä"),
        persons=np.array(persons),
        labels=np.array([0, 0, 0, 2]),
        probabilities=PROBABILITIES,
    )


def test_the_surest_mistakes_come_first():
    answers = _answers()
    assert answers.guesses.tolist() == [0, 1, 2, 1]
    assert answers.confident_mistakes(9).tolist() == [2, 1, 3]
    assert answers.confident_mistakes(2).tolist() == [2, 1]
    assert answers.unsure_hits(9).tolist() == [0]


@pytest.mark.parametrize(("persons", "of_people"), [((-1,) * 4, False), ((0, 1, 0, 2), True)])
def test_one_person_or_the_whole_picture(persons, of_people):
    assert _answers(persons).of_people is of_people


def test_write_read_equal(tmp_path):
    before = _answers((0, 1, 0, -1))
    before.write(tmp_path / "predictions.parquet")
    after = Predictions.read(tmp_path / "predictions.parquet")
    assert (after.split, after.classes, after.images) == ("test", before.classes, before.images)
    for name in ("persons", "labels", "probabilities"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_answers_of_a_group_or_a_picture_belong_together(tmp_path):
    alone = _answers()
    assert len(set(alone.clusters)) == 4
    grouped = dataclasses.replace(alone, groups=("x", "y", "x", "y"))
    assert grouped.clusters.tolist() == [0, 1, 0, 1]
    grouped.write(tmp_path / "predictions.parquet")
    assert Predictions.read(tmp_path / "predictions.parquet").groups == grouped.groups
    with pytest.raises(ValueError, match="a group for each of 4 images. Received: 1"):
        dataclasses.replace(alone, groups=("x",))


def test_pandas_reads_the_columns(tmp_path):
    _answers((0, 1, 0, -1)).write(tmp_path / "predictions.parquet")
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert table.iloc[1][["image", "person", "label", "answer"]].tolist() == [
        "photos/b.jpg",
        1,
        "run",
        "sit",
    ]
    assert table["probability"].tolist() == pytest.approx([0.7, 0.8, 0.85, 0.4])
    np.testing.assert_allclose(np.stack(table["probabilities"].tolist()), PROBABILITIES)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match=r"3 probabilities for each of 1 images.*\(4, 3\)"):
        Predictions("test", ("a", "b", "c"), (Path("x"),), np.zeros(1), np.zeros(1), PROBABILITIES)


@pytest.mark.parametrize("content", [None, b"no parquet"])
def test_a_damaged_file_names_the_step(tmp_path, content):
    path = tmp_path / "predictions.parquet"
    if content:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="holds no predictions.*Run the step report again"):
        Predictions.read(path)
