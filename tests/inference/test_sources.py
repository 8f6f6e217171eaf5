"""What a user names into pictures and frames."""

import re
from pathlib import Path

import pytest

from inference.sources import count, find_sources, frames, unless_whole
from tests.inference.drawn_videos import coloured, write_video


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.jpg", "a.PNG", "sub dir/ü.jpeg", "c.MP4", "notes.md", ".hidden.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "list.txt").write_text("b.jpg\n\n  sub dir/ü.jpeg\ngone.jpg\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["."], ["a.PNG", "b.jpg", "c.MP4", "sub dir/ü.jpeg"]),
        (["c.MP4"], ["c.MP4"]),
        (["b.jpg", "a.PNG", "b.jpg"], ["b.jpg", "a.PNG"]),
        (["*.jpg"], ["b.jpg"]),
        (["**/*.jp*g"], ["b.jpg", "sub dir/ü.jpeg"]),
        (["list.txt"], ["b.jpg", "sub dir/ü.jpeg", "gone.jpg"]),
        (["notes.md"], ["notes.md"]),
    ],
)
def test_expansion(folder: Path, names: list[str], expected: list[str]) -> None:
    assert [str(path) for path in find_sources(names)] == expected


@pytest.mark.parametrize("name", ["gone", "*.gif", "empty"])
def test_nothing_there(folder: Path, name: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=f"No picture or video there: {re.escape(name)}"):
        find_sources(["b.jpg", name])


def test_a_camera_that_is_not_there(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no camera at camera:97"):
        find_sources(["b.jpg", "camera:97"])


@pytest.fixture
def mixed(tmp_path: Path) -> list[Path]:
    """A picture, a video of 5 frames, another picture."""
    names = ("first.jpg", "clip.avi", "last.jpg")
    write_video(tmp_path / names[1], coloured(5))
    return [tmp_path / name for name in names]


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (1, ["first", "clip 0", "clip 1", "clip 2", "clip 3", "clip 4", "last"]),
        (2, ["first", "clip 0", "clip 2", "clip 4", "last"]),
        (9, ["first", "clip 0", "last"]),
    ],
)
def test_frames_in_order(mixed: list[Path], every: int, expected: list[str]) -> None:
    assert names_of(mixed, every=every) == expected
    assert count(mixed, every=every) == len(expected)


def test_what_is_there_is_skipped(mixed: list[Path]) -> None:
    there = {(mixed[0], None), (mixed[1], 0), (mixed[1], 2)}
    has = lambda source, number: (source, number) in there  # noqa: E731
    assert names_of(mixed, skip=has) == ["clip 1", "clip 3", "clip 4", "last"]
    assert count(mixed, skip=has) == 4
    whole = unless_whole(has)
    assert names_of(mixed, skip=whole) == [*(f"clip {n}" for n in range(5)), "last"]
    assert count(mixed, skip=whole) == 6
    there |= {(mixed[1], number) for number in range(5)}
    assert names_of(mixed, skip=unless_whole(has)) == ["last"]
    assert names_of(mixed, skip=unless_whole(has, every=2), every=2) == ["last"]


def test_an_unknown_number_makes_the_total_unknown(mixed: list[Path]) -> None:
    assert count([*mixed, Path("camera:0")]) == 0


def names_of(sources: list[Path], **options) -> list[str]:
    return [
        frame.source.stem + ("" if frame.number is None else f" {frame.number}")
        for frame in frames(sources, **options)
    ]
