"""Two classifiers on the same pictures: how much better one is, and where they differ.

In come two `Predictions` of one test set, out come plain numbers and rows. Knows no runs, no files.
"""

from dataclasses import dataclass

import numpy as np

from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.stage2_classifier.scores.resampling import Interval, paired_difference

Key = tuple[str, int]  # picture and person


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the answers of a second classifier have over those of a first one.

    Attributes:
        n: Number of answers.
        gain: Accuracy of the second minus that of the first.
        interval: 95 % of it, by a paired bootstrap over independent groups.
        better: Number of answers that are right in the second alone.
        worse: Number that are right in the first alone.
        differing: (picture, person, true class, first answer, second answer) of all that differ,
            in the order of the first.
    """

    n: int
    gain: float
    interval: Interval
    better: int
    worse: int
    differing: list[tuple[str, int, str, str, str]]


def compare_answers(first: Predictions, second: Predictions) -> Comparison:
    """Compares the answers to the same pictures.

    Args:
        first: What the second is compared with; its groups are drawn for the interval.
        second: In any order; its classes may be in another one.

    Raises:
        ValueError: they are not of the same pictures with the same true classes.
    """
    keys, others = _keys(first), _keys(second)
    place = {key: row for row, key in enumerate(others)}
    if first.split != second.split or {*keys} != {*others}:
        common = len({*keys} & {*others})
        raise ValueError(
            "Only answers to the same pictures can be compared. Received: "
            f"{len(keys)} of {first.split} and {len(others)} of {second.split}, of which {common} "
            "are in both. Give both runs the same labels, split and seed."
        )
    rows = np.array([place[key] for key in keys], int)
    truth, theirs = _names(first, first.labels), _names(second, second.labels[rows])
    if truth != theirs:
        changed = sum(a != b for a, b in zip(truth, theirs, strict=True))
        raise ValueError(
            f"The same pictures must have the same true classes. Received: {changed} of "
            f"{len(truth)} with others. Run both on the same labels."
        )
    old, new = _names(first, first.guesses), _names(second, second.guesses[rows])
    right = [np.array([a == t for a, t in zip(s, truth, strict=True)], float) for s in (new, old)]
    gain, interval = paired_difference(*right, clusters=first.clusters)
    return Comparison(
        n=len(keys),
        gain=gain,
        interval=interval,
        better=int((right[0] > right[1]).sum()),
        worse=int((right[0] < right[1]).sum()),
        differing=[
            (*key, t, a, b) for key, t, a, b in zip(keys, truth, old, new, strict=True) if a != b
        ],
    )


def _keys(predictions: Predictions) -> list[Key]:
    persons = predictions.persons.tolist()
    return [
        (image.as_posix(), person)
        for image, person in zip(predictions.images, persons, strict=True)
    ]


def _names(predictions: Predictions, ids: np.ndarray) -> list[str]:
    return [predictions.classes[i] for i in ids]
