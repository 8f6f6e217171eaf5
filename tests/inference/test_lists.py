"""Lists of names as other programs write them."""

import os
from pathlib import Path

import pytest

from pose_activity.inference.lists import read_list

NAMES = ["a.jpg", "sub dir/straße é.png", "文.mp4"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    return tmp_path


def read(data: bytes, where: str = "list.txt") -> list[str]:
    path = Path(where)
    path.write_bytes(data)
    return [path.as_posix() for path in read_list(path, {".jpg", ".png", ".mp4"})]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_and_line_ends(folder: Path, encoding: str, line_end: str) -> None:
    mark = "\ufeff" if encoding[-2:] in ("le", "be") else ""
    data = (mark + line_end.join([*NAMES, "gone é.jpg"])).encode(encoding)
    assert read(data) == [*NAMES, "gone é.jpg"]
    assert read(data + line_end.encode(encoding.removesuffix("-sig"))[-2:])[:2] == NAMES[:2]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_the_eight_bits_of_an_old_windows(folder: Path, encoding: str) -> None:
    Path("5 €.jpg").touch()
    names = [*NAMES[:2], *(["5 €.jpg"] if encoding == "cp1252" else [])]
    assert read("\r\n".join(names).encode(encoding)) == names


def test_names_that_are_no_utf8(folder: Path) -> None:
    raw = b"caf\xe9.jpg"
    try:
        (folder / os.fsdecode(raw)).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    assert [os.fsencode(name) for name in read(raw + b"\na.jpg\n")] == [raw, b"a.jpg"]


@pytest.mark.parametrize(
    "line",
    ['"a.jpg"', "'a.jpg'", "  a.jpg\t", ".\\a.jpg", "./a.jpg", "{folder}/a.jpg", "{folder}\\a.jpg"],
)
def test_ways_to_write_a_name(folder: Path, line: str) -> None:
    (name,) = read(line.format(folder=folder).encode())
    assert Path(name).samefile("a.jpg")


@pytest.mark.parametrize(
    "name", [" a b .jpg", "#1.jpg", "'quoted'.jpg", "back\\slash.jpg", "a\x85b.jpg"]
)
def test_strange_names_that_exist_are_taken_as_they_are(folder: Path, name: str) -> None:
    try:
        Path(name).touch()
    except OSError:
        pytest.skip("no name of this system")
    assert read(f"{name}\na.jpg".encode()) == [name, "a.jpg"]


def test_names_are_relative_to_the_list_where_they_are_not_to_us(folder: Path) -> None:
    Path("sub dir/only here.jpg").touch()
    data = b"a.jpg\nonly here.jpg\n./only here.jpg\n"
    here = "sub dir/only here.jpg"
    assert read(data, "sub dir/list.txt") == ["a.jpg", here, here]


def test_comments_and_folders(folder: Path) -> None:
    assert read(b"# of last year: a.jpg\n#\nsub dir\n") == ["sub dir"]


def test_names_that_no_file_can_have(folder: Path) -> None:
    assert read(b"a.jpg\n" + b"x" * 9999 + b"\n") == ["a.jpg", "x" * 9999]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"0 0.5 0.5 0.1 .264\n", b"dog\ncat\n", b"# a\n"])
def test_other_texts_are_no_lists(folder: Path, data: bytes) -> None:
    assert read(data) == []


def test_numbers_that_exist_are_names(folder: Path) -> None:
    Path("0123").touch()
    assert read(b"0123\n") == ["0123"]


def test_what_is_no_text(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"list.txt: a list must be a text .* holds zero bytes"):
        read(b"\xff\xd8\0\0a.jpg")
