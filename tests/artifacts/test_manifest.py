"""A folder tells whether it is what is asked for."""

from pathlib import Path

import pytest

from pose_activity.artifacts import manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out.bin").write_bytes(b"abc")
    manifest.write(
        tmp_path,
        recipe={"width": 640, "planes": ("rgb", "heatmap")},
        inputs={"a": "1"},
        outputs=[tmp_path / "out.bin"],
    )
    return tmp_path


RECIPE = {"width": 640, "planes": ("rgb", "heatmap")}


def test_work_that_was_begun_goes_on_where_the_same_is_asked_for(tmp_path: Path) -> None:
    note = tmp_path / "asked.json"
    assert manifest.begun(note, {"epochs": 1}) is None
    note.write_text('{"epochs": 1, "sizes": [1, 2]}', encoding="utf-8")
    assert manifest.begun(note, {"sizes": (1, 2), "epochs": 1}) == []
    assert manifest.begun(note, {"sizes": (1, 2), "epochs": 2}) == ["epochs: 1 -> 2"]
    for damage in ("{half", "[1]", ""):
        note.write_text(damage, encoding="utf-8")
        assert manifest.begun(note, {"epochs": 1}) == ["asked.json: damaged"]
    note.write_text('{"keep": "last"}', encoding="utf-8")
    now = {"checkpoint": "last", "monitor": "loss"}
    assert manifest.begun(note, now, section="stage2") == []


def test_fresh(folder: Path) -> None:
    assert manifest.why_stale(folder, recipe=RECIPE, inputs={"a": "1"}) == []


@pytest.mark.parametrize(
    ("recipe", "inputs", "line"),
    [
        ({**RECIPE, "width": 320}, {"a": "1"}, "recipe.width: 640 -> 320"),
        (RECIPE, {"a": "2"}, "inputs.a: '1' -> '2'"),
        (RECIPE, {}, "inputs.a: '1' -> '(absent)'"),
        ({**RECIPE, "new": {"x": 1}}, {"a": "1"}, "recipe.new: '(absent)' -> {'x': 1}"),
    ],
)
def test_names_the_key_that_differs(folder: Path, recipe: dict, inputs: dict, line: str) -> None:
    assert manifest.why_stale(folder, recipe=recipe, inputs=inputs) == [line]


def test_altered_and_missing_outputs(folder: Path) -> None:
    (folder / "out.bin").write_bytes(b"abd")
    assert manifest.why_stale(folder, recipe=RECIPE, inputs={"a": "1"}) == [
        "out.bin: altered since it was written"
    ]
    (folder / "out.bin").unlink()
    assert manifest.why_stale(folder, recipe=RECIPE, inputs={"a": "1"}) == ["out.bin: missing"]


def test_an_unfinished_folder(tmp_path: Path) -> None:
    assert manifest.why_stale(tmp_path, recipe={}, inputs={}) == ["not finished"]


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / manifest.NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="is not a manifest"):
        manifest.read(tmp_path)


def test_sha256_json_ignores_the_order_of_keys() -> None:
    assert manifest.sha256_json({"a": 1, "b": 2}) == manifest.sha256_json({"b": 2, "a": 1})
    assert manifest.sha256_json({"a": 1}) != manifest.sha256_json({"a": 2})
