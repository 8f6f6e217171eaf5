"""Who is drawn: policies from `Poses` to the indices of the people that stage 2 gets to see.

A policy returns an int array; it is empty when nobody was found.
"""

from collections.abc import Callable

import numpy as np

from pose_activity.annotations.types import Poses


def centre_and_farthest(poses: Poses) -> np.ndarray:
    """The person nearest the picture's centre, and the one farthest from that person.

    This is the published recipe's rule.
    """
    nearest = centre(poses)
    if len(poses.boxes) < 2:
        return nearest
    middles = _middles(poses)
    distances = np.linalg.norm(middles - middles[nearest[0]], axis=1)
    distances[nearest[0]] = -1  # someone else, even when two people share a middle
    return np.array([nearest[0], int(distances.argmax())])


def centre(poses: Poses) -> np.ndarray:
    """The person whose box centre is nearest the picture's centre."""
    distances = np.linalg.norm(_middles(poses) - np.array(poses.size) / 2, axis=1)
    return _first(distances)


def most_prominent(poses: Poses) -> np.ndarray:
    """The person with the largest score times box area: large, and surely a person."""
    return _first(-poses.scores * _areas(poses))


def by_prominence(poses: Poses) -> np.ndarray:
    """All people, the most prominent one first; no policy: a network sees no order."""
    return np.argsort(-poses.scores * _areas(poses), kind="stable")


def largest(poses: Poses) -> np.ndarray:
    """The person with the largest box."""
    return _first(-_areas(poses))


def top_score(poses: Poses) -> np.ndarray:
    """The person found with the highest score."""
    return _first(-poses.scores)


def everyone(poses: Poses) -> np.ndarray:
    """All people."""
    return np.arange(len(poses.boxes))


POLICIES: dict[str, Callable[[Poses], np.ndarray]] = {
    "centre_and_farthest": centre_and_farthest,
    "most_prominent": most_prominent,
    "centre": centre,
    "largest": largest,
    "top_score": top_score,
    "all": everyone,
}


def _middles(poses: Poses) -> np.ndarray:
    return (poses.boxes[:, :2] + poses.boxes[:, 2:]) / 2


def _areas(poses: Poses) -> np.ndarray:
    return np.prod(poses.boxes[:, 2:] - poses.boxes[:, :2], axis=1)


def _first(badness: np.ndarray) -> np.ndarray:
    return np.atleast_1d(badness.argmin()) if len(badness) else np.zeros(0, int)
