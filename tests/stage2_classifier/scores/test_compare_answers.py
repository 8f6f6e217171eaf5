"""Two classifiers on the same pictures, by hand and against McNemar's counts."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pose_activity.stage2_classifier.scores.compare_answers import compare_answers
from pose_activity.stage2_classifier.scores.predictions import Predictions

CLASSES = ("run", "sit", "walk")


def answered(guesses: list[int], labels: list[int], **facts) -> Predictions:
    given = {
        "split": "test",
        "classes": CLASSES,
        "images": tuple(Path(f"p/{i}.jpg") for i in range(len(labels))),
        "persons": np.full(len(labels), -1),
        "labels": np.array(labels),
        "probabilities": np.eye(3, dtype=np.float32)[guesses],
    }
    return Predictions(**{**given, **facts})


FIRST = answered([0, 1, 2, 0, 0], [0, 1, 2, 1, 2])
SECOND = answered([0, 1, 0, 1, 2], [0, 1, 2, 1, 2])


def test_by_hand() -> None:
    found = compare_answers(FIRST, SECOND)
    assert (found.n, found.better, found.worse) == (5, 2, 1)
    assert found.gain == pytest.approx(1 / 5)
    assert found.differing == [
        ("p/2.jpg", -1, "walk", "walk", "run"),
        ("p/3.jpg", -1, "sit", "run", "sit"),
        ("p/4.jpg", -1, "walk", "run", "walk"),
    ]
    assert found.interval[0] < found.gain < found.interval[1]
    back = compare_answers(SECOND, FIRST)
    assert back.gain == -found.gain and (back.better, back.worse) == (1, 2)


def test_neither_the_order_of_pictures_nor_of_classes_matters() -> None:
    order, ids = [4, 2, 0, 1, 3], [2, 0, 1]
    shuffled = Predictions(
        split="test",
        classes=tuple(CLASSES[i] for i in ids),
        images=tuple(SECOND.images[i] for i in order),
        persons=SECOND.persons[order],
        labels=np.array([ids.index(i) for i in SECOND.labels[order]]),
        probabilities=SECOND.probabilities[order][:, ids],
    )
    found, expected = compare_answers(FIRST, shuffled), compare_answers(FIRST, SECOND)
    assert dataclasses.astuple(found) == dataclasses.astuple(expected)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (answered([0, 1], [0, 1]), "5 of test and 2 of test, of which 2 are in both"),
        (dataclasses.replace(SECOND, split="val"), "5 of test and 5 of val"),
        (answered([0] * 5, [0, 1, 2, 1, 0]), "1 of 5 with others. Run both on the same labels"),
    ],
)
def test_other_pictures_are_refused(other: Predictions, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_answers(FIRST, other)
