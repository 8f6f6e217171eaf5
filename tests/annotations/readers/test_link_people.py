"""One person followed through frames with several: drawn figures whose way is known."""

from collections.abc import Sequence

import numpy as np
import pytest

from pose_activity.annotations.readers.link_people import follow_nearest, follow_number

_BODY = np.array([(0, 0), (-10, 20), (10, 20), (-8, 60), (8, 60), (-9, 100), (9, 100)], float)


def _at(x: float, *, size: float = 1.0, confidence: float = 0.9) -> np.ndarray:
    body = np.hstack([_BODY * size + (x, 50), np.full((len(_BODY), 1), confidence)])
    return body.astype(np.float32)


def _frames(*ways: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """Puts people beside each other; an odd frame has them in the other order."""
    frames = []
    for i, people in enumerate(zip(*ways, strict=True)):
        there = [person for person in people if person is not None][:: -1 if i % 2 else 1]
        frames.append(np.array(there, np.float32).reshape(-1, len(_BODY), 3))
    return frames


def _where(people: list[np.ndarray], chosen: list[int | None]) -> list[float | None]:
    return [
        None if k is None else float(frame[k, 0, 0])
        for frame, k in zip(people, chosen, strict=True)
    ]


def test_two_people_who_cross():
    here = [_at(10.0 * i) for i in range(21)]
    there = [_at(200 - 10.0 * i, size=0.9) for i in range(21)]
    people = _frames(here, there)
    assert _where(people, follow_nearest(people)) == [10.0 * i for i in range(21)]


def test_a_hole_while_they_cross():
    here: list[np.ndarray | None] = [_at(10.0 * i) for i in range(21)]
    there: list[np.ndarray | None] = [_at(200 - 10.0 * i, size=0.9) for i in range(21)]
    here[9:12] = there[9:12] = [None] * 3
    people = _frames(here, there)
    expected = [None if 9 <= i < 12 else 10.0 * i for i in range(21)]
    assert _where(people, follow_nearest(people)) == expected


def test_the_largest_and_surest_is_followed_from_where_it_is_first_sure():
    ghost: list[np.ndarray | None] = [_at(900, confidence=0.2) for _ in range(9)]
    person: list[np.ndarray | None] = [_at(5.0 * i, size=1 + i / 20) for i in range(9)]
    person[0] = None
    people = _frames(ghost, person)
    assert _where(people, follow_nearest(people)) == [None, *(5.0 * i for i in range(1, 9))]


def test_missing_joints_do_not_pull():
    person = [_at(4.0 * i) for i in range(8)]
    for i, pose in enumerate(person):
        pose[(i * 3) % 7] = 0
        pose[(i * 5 + 1) % 7] = 0
    other = [_at(60 + 4.0 * i, size=0.8) for i in range(8)]
    people = _frames(person, other)
    chosen = follow_nearest(people)
    for frame, index, expected in zip(people, chosen, person, strict=True):
        assert index is not None and np.array_equal(frame[index], expected)


@pytest.mark.parametrize("nobody", [np.zeros((0, 7, 3)), np.zeros((2, 7, 3))], ids=["0", "empty"])
def test_nobody(nobody: np.ndarray):
    assert follow_nearest([]) == []
    assert follow_nearest([nobody] * 3) == [None] * 3
    people = [nobody, np.array([_at(3)]), nobody]
    assert follow_nearest(people) == [None, 0, None]


def test_a_number_is_followed_and_not_a_place():
    people = _frames([_at(0), _at(50), _at(0)], [_at(50, size=2), _at(0, size=2), _at(50, size=2)])
    assert follow_number([[1, 2], [2, 1], [1, 2]], people) == [1, 0, 1]
    assert follow_number([[1, 2], [2, 1], [1, 3]], people) == [1, 0, None]
