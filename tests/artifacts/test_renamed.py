"""Each key that had another name: what a run remembers is translated, digests stay."""

import json
from pathlib import Path

import pytest

from pose_activity.artifacts import manifest, renamed

EACH = [(section, old, new) for section, keys in renamed.KEYS.items() for old, new in keys.items()]


@pytest.mark.parametrize(("section", "old", "new"), EACH)
def test_a_section_and_a_whole_configuration(section: str, old: str, new: str) -> None:
    assert renamed.translate({"a": 1, old: [2]}, section) == {"a": 1, new: [2]}
    assert renamed.translate({"stage2": {section: {old: 3}}}) == {"stage2": {section: {new: 3}}}
    assert renamed.translate({old: 1}) == {old: 1}
    assert renamed.in_old_names({new: 4, "b": 5}, section) == {old: 4, "b": 5}


def test_what_an_output_notes_of_tracking() -> None:
    """So that a table that was begun before can be resumed."""
    before = {"engine": "onnxruntime", "options": {"every": 1, "tracking": {"max_gap": 30}}}
    now = {"engine": "onnxruntime", "options": {"every": 1, "tracking": {"max_age": 30}}}
    assert renamed.translate(before) == now


def test_a_choice() -> None:
    assert renamed.translate({"sequence": {"short": "refuse"}}) == {"sequence": {"short": "error"}}
    assert renamed.translate({"short": "pad"}, "sequence") == {"short": "pad"}
    assert renamed.translate({"options": {"short": "refuse"}}) == {"options": {"short": "refuse"}}


@pytest.mark.parametrize(
    ("step", "before", "now"),
    [
        ("annotations", {"split": {"unseen": True}}, {"split": {"open_set": True}}),
        ("stage1", {"track": {"max_gap": 3}}, {"track": {"max_age": 3}}),
        ("stage1", {"squash": [64, 48]}, {"resize": [64, 48]}),
        ("cache", {"kind": "joints", "short": "refuse"}, {"kind": "joints", "short": "error"}),
        ("stage2", {"keep": "last", "augment": None}, {"checkpoint": "last", "augment": None}),
        ("stage2", {"dropout": 0.5}, {"dropout": 0.5, "monitor": "loss"}),
        ("stage2", {"linear": {"unit": True}}, {"linear": {"l2_normalize": True}}),
        ("stage2", {"augment": {"view": 9.0}}, {"augment": {"yaw": 9.0}}),
        ("report", {"split": "test", "unseen": True}, {"split": "test", "open_set": True}),
        (
            "stage2",
            {"augment": {"flip": 0.5}},
            {"augment": {"flip": 0.5, "random_changes": 0, "random_strength": 0.3}},
        ),
        ("stage2", {"augment": {"mirror": 0.5}}, {"augment": {"mirror": 0.5}}),
    ],
)
def test_a_step_that_was_made_before_is_up_to_date(
    tmp_path: Path, step: str, before: dict, now: dict
) -> None:
    manifest.write(tmp_path, recipe=before, inputs={})
    assert manifest.why_stale(tmp_path, recipe=now, inputs={}, step=step) == []
    assert json.loads((tmp_path / manifest.NAME).read_text(encoding="utf-8"))["recipe"] == before


def test_a_key_that_was_added_is_a_difference_where_another_choice_is_made(tmp_path: Path) -> None:
    manifest.write(tmp_path, recipe={"dropout": 0.5}, inputs={})
    now = {"dropout": 0.5, "monitor": "macro_f1"}
    why = manifest.why_stale(tmp_path, recipe=now, inputs={}, step="stage2")
    assert why == ["recipe.monitor: 'loss' -> 'macro_f1'"]
    other = manifest.why_stale(tmp_path, recipe={"dropout": 0.5}, inputs={}, step="stage2")
    assert other == [], "a kind of run that has no such key"
