"""A file is whole or absent."""

import json
from pathlib import Path

import pytest

from artifacts import atomic


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    atomic.write_text(target, "old")
    with pytest.raises(RuntimeError), atomic.replacing(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert target.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        atomic.write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_json_keeps_names_readable(tmp_path: Path) -> None:
    atomic.write_json(tmp_path / "sub" / "a.json", {"é": [1]})
    assert "é" in (tmp_path / "sub" / "a.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "sub" / "a.json").read_text(encoding="utf-8")) == {"é": [1]}
