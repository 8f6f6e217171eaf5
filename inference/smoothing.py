"""Activities of a video made steadier: the mean of the probabilities of the last seconds.

Takes answers in order and yields them with smoothed probabilities. Only the past counts,
so a camera's answers are not delayed. Knows nothing of pixels or files.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose_activity.inference.results import FrameResult, Result, rank


class TrailingMean:
    """The mean over the frames of the last `window` seconds, of one video at a time."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._video: Path | None = None
        self._recent: deque[tuple[float, np.ndarray]] = deque()

    def __call__(self, video: Path, seconds: float, values: np.ndarray) -> np.ndarray:
        """Returns the mean over the frames shown in `(seconds - window, seconds]`.

        Args:
            video: Another one than last time starts again.
            seconds: When the frame is shown; must not fall within a video.
            values: `(n,)` float32.
        """
        if video != self._video:
            self._video = video
            self._recent.clear()
        self._recent.append((seconds, values))
        while self._recent[0][0] <= seconds - self._window and len(self._recent) > 1:
            self._recent.popleft()
        return np.stack([values for _, values in self._recent]).mean(axis=0, dtype=np.float32)


def check(window: float) -> None:
    """Raises ValueError for a window, in seconds, that is negative or infinite; 0 is fine."""
    if not 0 <= window < np.inf:
        raise ValueError(f"Smoothing takes a window of 0 seconds or more. Received: {window}")


def smooth(
    answers: Iterable[FrameResult], *, window: float, classes: tuple[str, ...]
) -> Iterator[FrameResult]:
    """Yields answers with the probabilities of videos smoothed; pictures stay as they are.

    A frame without an answer is passed on and counts for nothing.

    Args:
        answers: In order, about whole pictures.
        window: In seconds, see `check`; 0 changes nothing.
        classes: Activities in the order of the probabilities.
    """
    mean = TrailingMean(window)
    for answer in answers:
        rows = [smooth_row(row, mean, classes) for row in answer.rows] if window else answer.rows
        yield replace(answer, rows=rows)


def smooth_row(row: Result, mean: TrailingMean, classes: tuple[str, ...]) -> Result:
    """Returns a row with the mean's probabilities; one without an answer as it is."""
    if row.probabilities is None or row.seconds is None:
        return row
    probabilities = mean(row.image, row.seconds, row.probabilities)
    return replace(row, probabilities=probabilities, ranking=rank(probabilities, classes))
