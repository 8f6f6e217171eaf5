"""Who is drawn."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, no_people
from pose_activity.cache.people import POLICIES


def poses_of(boxes: list[list[float]], scores: list[float] | None = None) -> Poses:
    n = len(boxes)
    return Poses(
        image=Path("a.jpg"),
        size=(100, 100),
        skeleton=COCO17,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores or np.linspace(0.9, 0.5, n), np.float32),
        keypoints=np.zeros((n, 17, 3), np.float32),
    )


# Middles: 0 (10, 10), 1 (55, 50) nearest the centre, 2 (95, 95), 3 (40, 60) and the largest.
CROWD = poses_of([[5, 5, 15, 15], [50, 45, 60, 55], [90, 90, 100, 100], [10, 30, 70, 90]])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("centre_and_farthest", [1, 0]),
        ("most_prominent", [3]),
        ("centre", [1]),
        ("largest", [3]),
        ("top_score", [0]),
        ("all", [0, 1, 2, 3]),
    ],
)
def test_a_crowd(policy: str, expected: list[int]) -> None:
    assert POLICIES[policy](CROWD).tolist() == expected


def test_the_most_prominent_has_the_largest_score_times_area() -> None:
    boxes: list[list[float]] = [[0, 0, 40, 40], [0, 0, 30, 30], [0, 0, 20, 20]]
    for scores in ([0.3, 0.6, 0.95], [0.34, 0.6, 0.95], [0.1, 0.2, 0.95]):
        slow = [s * (b[2] - b[0]) * (b[3] - b[1]) for b, s in zip(boxes, scores, strict=True)]
        expected = [slow.index(max(slow))]
        assert POLICIES["most_prominent"](poses_of(boxes, scores)).tolist() == expected


@pytest.mark.parametrize("policy", POLICIES)
def test_nobody_and_one(policy: str) -> None:
    boxes, keypoints, scores = no_people(COCO17)
    nobody = Poses(Path("a.jpg"), (100, 100), COCO17, boxes, scores, keypoints)
    assert POLICIES[policy](nobody).tolist() == []
    assert POLICIES[policy](poses_of([[0, 0, 5, 5]])).tolist() == [0]


def test_two_people_in_one_place_are_two() -> None:
    twins = poses_of([[40, 40, 60, 60], [40, 40, 60, 60]])
    assert sorted(POLICIES["centre_and_farthest"](twins).tolist()) == [0, 1]
