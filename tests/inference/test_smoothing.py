"""Smoothing against a slow double loop."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.videos import Frame
from pose_activity.inference.results import FrameResult, Result, rank
from pose_activity.inference.smoothing import check, smooth

CLASSES = ("walk", "run", "sit")


def answer(source: str, seconds: float | None, probabilities: np.ndarray | None) -> FrameResult:
    path = Path(source)
    ranking = () if probabilities is None else rank(probabilities, CLASSES)
    error = "damaged" if probabilities is None else None
    row = Result(path, error, probabilities, ranking=ranking, seconds=seconds)
    return FrameResult(Frame(path, lambda: np.zeros((1, 1, 3), np.uint8)), [row])


@pytest.fixture
def answers() -> list[FrameResult]:
    """Two videos with uneven times, a lost frame, and a picture between them."""
    rng = np.random.default_rng(1)
    times = {"a.mp4": [0, 0.1, 0.2, 0.5, 0.55, 2.0, 2.01], "b.mp4": [0, 0.3, 0.4]}
    made = {
        name: [answer(name, t, rng.dirichlet(np.ones(3)).astype(np.float32)) for t in seconds]
        for name, seconds in times.items()
    }
    lost = answer("a.mp4", None, None)
    picture = answer("photo.jpg", None, np.array([0.2, 0.3, 0.5], np.float32))
    return [*made["a.mp4"][:3], lost, *made["a.mp4"][3:], picture, *made["b.mp4"]]


@pytest.mark.parametrize("window", [0.05, 0.3, 1.0, 100.0])
def test_it_is_the_mean_of_the_last_seconds(answers: list[FrameResult], window: float) -> None:
    smoothed = list(smooth(answers, window=window, classes=CLASSES))
    assert len(smoothed) == len(answers)
    for i, (before, after) in enumerate(zip(answers, smoothed, strict=True)):
        (old,), (new,) = before.rows, after.rows
        if old.seconds is None or old.probabilities is None:
            assert new is old
            continue
        recent = []
        for earlier in answers[: i + 1]:
            (row,) = earlier.rows
            if row.image == old.image and row.probabilities is not None:
                assert row.seconds is not None
                if row.seconds > old.seconds - window:
                    recent.append(row.probabilities.astype(float))
        assert new.probabilities is not None and new.probabilities.dtype == np.float32
        np.testing.assert_allclose(new.probabilities, sum(recent) / len(recent), atol=1e-6)
        assert new.ranking == rank(new.probabilities, CLASSES)


def test_no_window_is_raw(answers: list[FrameResult]) -> None:
    smoothed = list(smooth(answers, window=0, classes=CLASSES))
    assert [after.rows[0] for after in smoothed] == [before.rows[0] for before in answers]


def test_answers_come_as_they_are_asked_for(answers: list[FrameResult]) -> None:
    def endless():
        yield answers[0]
        raise AssertionError("looked ahead")

    assert next(smooth(endless(), window=1, classes=CLASSES)).frame is answers[0].frame


def test_what_cannot_be_smoothed() -> None:
    check(0)
    check(2.5)
    for window in (-1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="0 seconds or more"):
            check(window)
