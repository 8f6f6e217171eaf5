"""Fonts for names, against what their files say they have."""

import warnings
from dataclasses import replace
from pathlib import Path

from matplotlib import font_manager

from pose_activity.stage2_classifier.scores import fonts
from pose_activity.stage2_classifier.scores.draw_scores import _labels, draw_confusion
from tests.stage2_classifier.scores.test_score_files import _report


def test_matplotlibs_own_font_is_enough_for_most() -> None:
    assert fonts.choose(["walking", "Größe", "Прыжок", "τρέξιμο"]) == ([fonts.OWN], "")


def _is_plain(font: font_manager.FontEntry) -> bool:
    return (font.style, font.weight) == ("normal", 400)


def test_letters_come_from_the_first_font_that_has_them() -> None:
    own = fonts._letters(font_manager.findfont(fonts.OWN))
    there = {font.name: font.fname for font in font_manager.fontManager.ttflist if _is_plain(font)}
    path = there["STIXGeneral"]
    letter = chr(min(code for code in fonts._letters(path) - own if chr(code).isprintable()))
    names, missing = fonts.choose([f"a{letter}"], [path])
    assert (names, missing) == ([fonts.OWN, "STIXGeneral"], "")
    assert fonts.choose([f"a{letter}"], []) == ([fonts.OWN], letter)


def test_names_without_a_font_are_numbers_with_a_note(tmp_path: Path, monkeypatch) -> None:
    real = fonts.choose
    monkeypatch.setattr(fonts, "choose", lambda texts: real(texts, []))  # as without CJK fonts
    report = _report(3)
    old = list(report.per_class)
    new = dict(zip(old, ("跳绳", "リンゴ", "walking"), strict=True))
    confusion = {
        new[true]: {new[said]: count for said, count in row.items()}
        for true, row in report.confusion.items()
    }
    per_class = {new[name]: row for name, row in report.per_class.items()}
    labels, _, note = _labels(["walking", "リンゴ", "跳绳"], list(per_class))
    assert labels == ["walking", "class 2", "class 1"] and "row N of per_class.csv" in note
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of each box that it draws
        draw_confusion(
            replace(report, confusion=confusion, per_class=per_class), tmp_path / "a.png"
        )
    assert (tmp_path / "a.png").stat().st_size
