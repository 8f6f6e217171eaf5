"""Which answers changed between two trainings."""

from pathlib import Path

import numpy as np

from pose_activity.artifacts import manifest
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.pictures import changed_answers
from pose_activity.training.pictures.files import HELD_OUT


def predictions(answers: dict[str, str], classes: tuple[str, ...]) -> Predictions:
    guesses = [classes.index(answer) for answer in answers.values()]
    return Predictions(
        split="val",
        classes=classes,
        images=tuple(map(Path, answers)),
        persons=np.full(len(answers), -1),
        labels=np.zeros(len(answers), int),  # all are of the first class
        probabilities=np.eye(len(classes), dtype=np.float32)[guesses],
    )


BEFORE = predictions({"a": "x", "b": "y", "c": "y", "gone": "x"}, ("x", "y"))
AFTER = predictions({"a": "z", "b": "x", "c": "y", "new": "y"}, ("x", "y", "z"))


def test_only_pictures_that_both_answered_are_compared() -> None:
    found, both = changed_answers.changes(BEFORE, AFTER)
    assert both == 3
    assert [(one.image, one.before, one.after) for one in found] == [
        *(("a", "x", "z"), ("b", "y", "x"))
    ]


def test_they_are_listed(tmp_path: Path, capsys) -> None:
    BEFORE.write(tmp_path / HELD_OUT)
    manifest.write(tmp_path, recipe={}, inputs={})
    changed_answers.list_changes(tmp_path, AFTER, tmp_path)
    said = " ".join(capsys.readouterr().out.split())
    assert "2 of 3 answers to held-out pictures changed: 1 are right now, 1 were right" in said
    assert "a: x -> z (label: x)" in said
    lines = (tmp_path / changed_answers.FILE).read_text(encoding="utf-8").splitlines()
    assert lines == ["image,person,label,before,after", "a,-1,x,x,z", "b,-1,x,y,x"]


def test_the_first_training_has_nothing_to_compare(tmp_path: Path, capsys) -> None:
    (tmp_path / changed_answers.FILE).write_text("of an earlier attempt", encoding="utf-8")
    changed_answers.list_changes(tmp_path / "none", AFTER, tmp_path)
    assert not capsys.readouterr().out
    assert not (tmp_path / changed_answers.FILE).exists()


def test_what_a_killed_attempt_left_is_no_earlier_training(tmp_path: Path, capsys) -> None:
    BEFORE.write(tmp_path / HELD_OUT)
    changed_answers.list_changes(tmp_path, AFTER, tmp_path)
    assert not capsys.readouterr().out
    assert not (tmp_path / changed_answers.FILE).exists()
