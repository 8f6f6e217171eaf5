"""Follows one person through frames that show several, in files that give people no numbers.

Arithmetic on joints `(N, K, 3)`, one array per frame, N people each; v = 0 is a missing joint.
Stage 1's tracker does more; this is for files of other programs.
"""

from collections.abc import Iterable, Sequence

import numpy as np

# How far a person may be, in body sizes, from where the last frames make them expected: so much
# for each frame since, and never more than the second. A sprinter covers 0.1 in a frame of 25 Hz.
_REACH, _FURTHEST = 0.25, 1.0


def follow_nearest(people: Sequence[np.ndarray]) -> list[int | None]:
    """Chooses in each frame the person who is nearest to where the last one was going.

    It begins with the largest and surest person of all frames, and goes forward and backward from
    there.

    Args:
        people: `(N, K, 3)` a frame, in pixels; N may be 0 and differ.

    Returns:
        One index per frame; None if nobody is near enough, or nobody is there.
    """
    chosen: list[int | None] = [None] * len(people)
    weights = [[_weight(person) for person in frame] for frame in people]
    best = [max(weight, default=0.0) for weight in weights]
    if not any(best):
        return chosen
    start = int(np.argmax(best))
    chosen[start] = int(np.argmax(weights[start]))
    seed = people[start][chosen[start]]
    for way in (range(start + 1, len(people)), range(start - 1, -1, -1)):
        for frame, person in _walk(people, seed, start, way):
            chosen[frame] = person
    return chosen


def follow_number(
    tracks: Sequence[Sequence[int | None]], joints: Sequence[np.ndarray]
) -> list[int | None]:
    """Chooses in each frame the person with one number: the largest and surest in sum.

    Args:
        tracks: The number of each person, one list per frame.
        joints: `(N, K, 3)` a frame, in pixels.

    Returns:
        One index a frame; None where the person is not there.
    """
    weights: dict[int | None, float] = {}
    for numbers, people in zip(tracks, joints, strict=True):
        for number, person in zip(numbers, people, strict=True):
            weights[number] = weights.get(number, 0.0) + _weight(person)
    best = max(weights, key=lambda number: weights[number])
    return [list(numbers).index(best) if best in numbers else None for numbers in tracks]


def _walk(
    people: Sequence[np.ndarray], last: np.ndarray, seen: int, frames: Iterable[int]
) -> Iterable[tuple[int, int]]:
    """Yields (frame, person), from `last`, who was seen in frame `seen`, onward."""
    step = np.zeros(2)
    for frame in frames:
        gap = abs(frame - seen)
        expected = last.astype(np.float64)
        expected[:, :2] += step * gap
        distances = [_distance(expected, person) for person in people[frame]]
        nearest = int(np.argmin(distances)) if distances else None
        if nearest is None:
            continue
        person = people[frame][nearest]
        reach = min(_REACH * gap, _FURTHEST) * max(_size(last), _size(person))
        if distances[nearest] <= reach:
            yield frame, nearest
            step = (step + _movement(last, person) / gap) / 2  # half of it the past: steadier
            last, seen = person, frame


def _weight(person: np.ndarray) -> float:
    return _size(person) * float(person[:, 2].mean())


def _size(person: np.ndarray) -> float:
    """Returns the diagonal of the box around the joints that were found."""
    found = person[person[:, 2] > 0, :2]
    return float(np.hypot(*np.ptp(found, axis=0))) if len(found) else 0.0


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the mean distance of the joints that both have; infinite without such joints."""
    both = (one[:, 2] > 0) & (other[:, 2] > 0)
    return float(np.hypot(*(one - other)[both, :2].T).mean()) if both.any() else np.inf


def _movement(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    both = (one[:, 2] > 0) & (other[:, 2] > 0)
    return (other - one)[both, :2].mean(axis=0)
