"""A file is whole or absent."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from pose_activity.artifacts import atomic


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


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_files_get_the_mode_that_the_process_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic.write_text(tmp_path / "a.txt", "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_the_umask_of_other_threads_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The umask belongs to the process: setting it for an instant opens others' new files."""

    def refuse(mask: int) -> int:
        raise AssertionError(f"umask was set to {mask}")

    monkeypatch.setattr(os, "umask", refuse)
    names = [tmp_path / f"{i}.txt" for i in range(20)]
    writers = [threading.Thread(target=atomic.write_text, args=(name, "x")) for name in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert all(name.read_text(encoding="utf-8") == "x" for name in names)
