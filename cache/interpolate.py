"""Interpolation between frames: joints that were missed, and moments that no frame shows.

Arrays run over time in their first axis. Times are seconds, rising strictly; distances between
them may differ. Knows nothing of bodies.
"""

from dataclasses import dataclass

import numpy as np

_REACH = 0.6


def fill(values: np.ndarray, found: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Interpolates missing values linearly, in time, between the nearest found before and after.

    Before the first and after the last found one, it is equal to that one.

    Args:
        values: `(T, ..., D)` floats; missing ones may be anything finite.
        found: `(T, ...)` bool.
        times: `(T,)`.

    Returns:
        `(T, ..., D)` float64; found values unchanged, and 0 if nothing is found at any time.
    """
    numbers = np.arange(len(times)).reshape(-1, *[1] * (found.ndim - 1))
    before = np.maximum.accumulate(np.where(found, numbers, -1), axis=0)
    after = np.minimum.accumulate(np.where(found, numbers, len(times))[::-1], axis=0)[::-1]
    never = (before < 0) & (after == len(times))
    start = np.where(before < 0, after, before).clip(0, len(times) - 1)
    stop = np.where(after == len(times), before, after).clip(0, len(times) - 1)
    share = _share(times[numbers], times[start], times[stop])[..., None]
    first = np.take_along_axis(values, start[..., None], axis=0)
    last = np.take_along_axis(values, stop[..., None], axis=0)
    return np.where(never[..., None], 0.0, first * (1 - share) + last * share)


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments among frames.

    Attributes:
        before: `(n,)` int, the frame at or before each.
        after: `(n,)` int, the frame after it.
        share: `(n,)` in [0, 1], where the moment is on the way from `before` to `after`.
        nearest: `(n,)` int, the nearer of the two; the earlier of equals.
        near: `(n,)` bool, whether that one is near enough to be used for the moment.
    """

    before: np.ndarray
    after: np.ndarray
    share: np.ndarray
    nearest: np.ndarray
    near: np.ndarray

    def between(self, values: np.ndarray) -> np.ndarray:
        """Returns `(n, ...)` of `(T, ...)`, on the line between two frames."""
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return values[self.before] * (1 - share) + values[self.after] * share


def moments(times: np.ndarray, at: np.ndarray) -> Moments:
    """Finds moments among frames.

    A frame is near a moment within 0.6 of the frames' usual (median) distance, or of the moments'
    where that is larger. So all moments are near some frame where frames are evenly spread, also
    when their times were rounded (else half the distance would do), and none is in a hole's middle.

    Args:
        times: `(T,)` of the frames, at least one.
        at: `(n,)` moments, evenly spread, from the first to the last frame.
    """
    after = np.searchsorted(times, at, side="right").clip(1, max(len(times) - 1, 1))
    before, after = after - 1, np.minimum(after, len(times) - 1)
    share = _share(at, times[before], times[after])
    nearest = np.where(share > 0.5, after, before)
    steps = [np.median(np.diff(t)) for t in (times, at) if len(t) > 1]
    reach = _REACH * max(steps, default=0.0)
    return Moments(before, after, share, nearest, np.abs(at - times[nearest]) <= reach)


def _share(at: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Returns where `at` is on the way from start to stop, in [0, 1]; 0 if they are equal."""
    length = stop - start
    return ((at - start) / np.where(length > 0, length, 1)).clip(0, 1)
