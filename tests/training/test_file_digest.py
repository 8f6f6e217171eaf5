"""A file is what it holds; when it was written says only whether to look again."""

import os
from pathlib import Path

import pytest

from pose_activity.training import file_digest
from pose_activity.training.file_digest import FileDigests, digest_of_files


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two pictures that were written a while ago."""
    paths = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for path in paths:
        path.write_bytes(path.name.encode())
        os.utime(path, (1e9, 1e9))
    return paths


def test_a_touched_file_is_the_same_and_a_changed_one_is_not(
    files: list[Path], tmp_path: Path
) -> None:
    before = digest_of_files(files, tmp_path, remember=True)
    os.utime(files[0])
    assert digest_of_files(files, tmp_path, remember=True) == before
    files[0].write_bytes(b"x.jpg")  # as many bytes
    changed = digest_of_files(files, tmp_path, remember=True)
    assert changed != before
    assert digest_of_files(files[1:], tmp_path, remember=True) not in (before, changed)
    files[0].unlink()
    gone = digest_of_files(files, tmp_path, remember=True)
    assert gone == digest_of_files(files[1:], tmp_path, remember=True)


def test_what_did_not_change_is_not_read_again(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest_of_files(files, tmp_path, remember=True)
    read = []
    monkeypatch.setattr(file_digest, "sha256_file", lambda path: read.append(path) or "new")
    assert digest_of_files(files, tmp_path, remember=True) == before and not read
    os.utime(files[1], (2e9, 2e9))
    assert digest_of_files(files, tmp_path, remember=True) != before and read == files[1:]


def test_a_file_that_was_just_written_is_read_again(tmp_path: Path) -> None:
    """It can change once more within the clock's grain, and keep its size and time."""
    new = tmp_path / "new.jpg"
    new.write_bytes(b"1")
    digests = FileDigests(tmp_path)
    before, state = digests.of(new), new.stat()
    new.write_bytes(b"2")
    os.utime(new, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert digests.of(new) != before


def test_nothing_is_written_unless_asked(files: list[Path], tmp_path: Path) -> None:
    digest_of_files(files, tmp_path, remember=False)
    assert not (tmp_path / file_digest.MEMORY).exists()
    digest_of_files(files, tmp_path, remember=True)
    written = (tmp_path / file_digest.MEMORY).stat().st_mtime_ns
    digest_of_files(files, tmp_path, remember=True)
    assert (tmp_path / file_digest.MEMORY).stat().st_mtime_ns == written


@pytest.mark.parametrize("text", ["{half", "[1]", '{"a": 1}', '{"a": null}', "null", ""])
def test_a_damaged_memory_is_none(files: list[Path], tmp_path: Path, text: str) -> None:
    before = digest_of_files(files, tmp_path, remember=False)
    (tmp_path / file_digest.MEMORY).write_text(text, encoding="utf-8")
    assert digest_of_files(files, tmp_path, remember=True) == before


def test_a_name_that_is_no_text_is_remembered(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    try:
        odd.write_bytes(b"1")
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    os.utime(odd, (1e9, 1e9))
    before = digest_of_files([odd], tmp_path, remember=True)
    assert str(odd) in FileDigests(tmp_path).known
    assert digest_of_files([odd], tmp_path, remember=True) == before
