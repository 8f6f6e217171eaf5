"""YAML values beside how they are written; pyyaml is the outside truth."""

from pathlib import Path

import pytest
import yaml

from pose_activity.artifacts import yaml_text

WRITTEN = ["no", "on", "12:30", "007", "~", "null", "", "1_000", "1e3", "0x10", "2026-11-28", "-3"]


def test_texts_are_as_they_are_written() -> None:
    tree = yaml_text.parse("".join(f"- {value}\n" for value in WRITTEN))
    assert yaml_text.texts(tree) == WRITTEN


def test_values_of_decimal_numbers_are_pyyamls() -> None:
    text = "a: [0, -3, 1.5, .5, 1.0e+3, true, no, null, '7', x y]\n0: {b: ~}\n"
    assert yaml_text.values(yaml_text.parse(text)) == yaml.safe_load(text)


@pytest.mark.parametrize(("text", "value"), [("1e3", 1000.0), ("010", 10.0), ("12:30", "12:30")])
def test_numbers_are_those_of_yaml_12(text: str, value: object) -> None:
    assert yaml_text.values(yaml_text.parse(text)) == value


def test_what_is_dumped_comes_back() -> None:
    tree = {"z": [*WRITTEN, "Küche", 1, 2.5, True, None], "a": {"b": {}}}
    assert yaml_text.values(yaml_text.parse(yaml_text.dump(tree))) == tree
    assert yaml.safe_load(yaml_text.dump(tree)) == tree


def test_merged_keys_may_be_replaced() -> None:
    text = "base: &base {a: 1, b: 2}\nmine: {<<: *base, b: 3}\nother: {<<: *base}\n"
    assert yaml_text.values(yaml_text.parse(text)) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n  - {c: 1,\n     c: 2}\n", "Received: b.c in the lines 3 and 4. Keep one"),
        ("a: &a [*a]", "a holds itself"),
        ("a: [", "not YAML .*line 1, column 5"),
        ("a: !!python/object:os.system 1", "not YAML"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"(?s)x.yaml: .*{message}"):
        yaml_text.load(tmp_path / "x.yaml")
