"""A training says at its end what will be called unknown."""

import json
from pathlib import Path

import pytest

from pose_activity.training.unknown import say_unknown


def said(
    folder: Path, capsys: pytest.CaptureFixture[str], threshold: float | None, **options: int
) -> str:
    value = {"unknown_below": threshold, "unknown_coverage": 0.8, "answer_precision": 0.85}
    (folder / "classifier.json").write_text(json.dumps(value), encoding="utf-8")
    say_unknown(folder, **options)  # type: ignore[arg-type]
    return capsys.readouterr().out


def test_why_nothing_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without = said(tmp_path, capsys, None, held_out=0)
    assert "note: Nothing is called unknown: every answer is one of the known names" in without
    assert "the split val, which is empty: set split.val above 0" in without
    assert "reaches the stage2.unknown_precision asked" in said(tmp_path, capsys, None, held_out=9)
    assert "for stage2.linear" in said(tmp_path, capsys, 0.5, held_out=9, by_linear=True)


def test_a_fitted_threshold_is_given_with_coverage_and_precision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(tmp_path, capsys, 0.5, held_out=9) == (
        "unknown: answers of a probability below 0.500 are called unknown. Of 9 held-out answers, "
        "80.0% are above, and 85.0% of those are right.\n"
    )
    assert "All held-out answers together are right" in said(tmp_path, capsys, 0.0, held_out=9)


def test_of_clips_the_threshold_of_people_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not that of single windows: answers are means over them."""
    for of_windows, of_people, fitted in ((0.5, None, False), (None, 0.5, True)):
        of_clips = {"unknown_below": of_people, "unknown_coverage": 0.8, "fitted_on": 7}
        value = {"unknown_below": of_windows, "of_clips": of_clips}
        (tmp_path / "classifier.json").write_text(json.dumps(value), encoding="utf-8")
        say_unknown(tmp_path, held_out=9)
        assert ("Of 7 held-out answers, 80.0% are above." in capsys.readouterr().out) == fitted
