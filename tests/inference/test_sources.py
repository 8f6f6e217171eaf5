"""What a user names into pictures and frames."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations import videos
from pose_activity.annotations.images import ImageError, write_drawing
from pose_activity.inference.sources import count, find_sources, frames, unless_whole
from tests.inference.drawn_videos import coloured, encode, run_ffmpeg, write_video


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.jpg", "a.PNG", "sub dir/ü.jpeg", "c.MP4", "notes.md", ".hidden.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    lines = "b.jpg\r\n\r\n  sub dir/ü.jpeg\r\n# of last year\ngone.jpg\n"
    (tmp_path / "list.txt").write_text(lines, encoding="utf-8", newline="")
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


def test_what_is_left_out_is_said(folder: Path) -> None:
    notes: list[str] = []
    for name in ("a.heic", "sub dir/b.HEIC", "v.webp.cr2"):
        (folder / name).touch()
    grey = np.full((40, 40, 3), 90, np.uint8)
    write_drawing(folder / "b.jpg.explained.png", grey)
    write_drawing(folder / "sub dir" / "renamed.jpg", grey)
    found = find_sources(["."], on_note=notes.append)
    assert [str(path) for path in found] == ["a.PNG", "b.jpg", "c.MP4", "sub dir/ü.jpeg"]
    assert notes == [
        "3 files are not read: .heic 2, .cr2 1. Convert them to JPEG.",
        "Drawn by this project and left out: 2 (b.jpg.explained.png, renamed.jpg).",
    ]
    named = ["b.jpg", "b.jpg.explained.png", "*.png"]
    assert [str(path) for path in find_sources(named)] == ["b.jpg"]
    with pytest.raises(FileNotFoundError, match=r"Drawn by this project and left out: 1 \(ren"):
        find_sources(["sub dir/renamed.jpg"])


def test_labels_beside_pictures_are_no_lists(folder: Path) -> None:
    notes: list[str] = []
    labels = {
        "b.txt": "0 0.5 0.5 0.25 .264 0.1 0.2 2 1e-05 .265 1.0\n17 .1 .2 .3 .4\n",
        "empty.txt": "",
        "blank.txt": "\n \n",
        "classes.txt": "dog\ncat\n",
    }
    for name, text in labels.items():
        (folder / name).write_text(text, encoding="utf-8")
    for names in (["b.jpg", *labels], ["b.*", *labels]):
        assert [str(path) for path in find_sources(names, on_note=notes.append)] == ["b.jpg"]
    assert set(notes) == {
        "Not lists, since no line names a picture or video, and left out: "
        "b.txt, empty.txt, blank.txt, classes.txt."
    }
    with pytest.raises(FileNotFoundError, match=r"there: classes.txt. Not lists, since no line"):
        find_sources(["classes.txt"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are files of Unix")
def test_pipes_and_devices_are_rows_with_the_reason(folder: Path) -> None:
    os.mkfifo("pipe.jpg")
    os.mkfifo("pipe.txt")
    Path("names.txt").write_text("pipe.jpg\n/dev/zero\npipe.mp4\n", encoding="utf-8")
    os.mkfifo("pipe.mp4")
    found = find_sources(["/dev/zero", "names.txt", "pipe.txt"])
    assert [path.name for path in found] == ["zero", "pipe.jpg", "pipe.mp4", "pipe.txt"]
    for frame in frames(found):
        with pytest.raises(ImageError, match=f"{frame.source}: not a regular file"):
            frame.load()


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
    there = {(mixed[0], None), (mixed[1], 0), (mixed[1], 1)}
    has = lambda source, number: (source, number) in there  # noqa: E731
    assert names_of(mixed, skip=has) == ["clip 2", "clip 3", "clip 4", "last"]
    assert count(mixed, skip=has) == 4
    whole = unless_whole(has)
    assert names_of(mixed, skip=whole) == [*(f"clip {n}" for n in range(5)), "last"]
    assert count(mixed, skip=whole) == 6
    there |= {(mixed[1], number) for number in range(5)}
    assert names_of(mixed, skip=unless_whole(has)) == ["last"]
    assert names_of(mixed, skip=unless_whole(has, every=2), every=2) == ["last"]


def test_a_video_of_fewer_frames_than_promised_is_whole_when_all_are_there(tmp_path: Path) -> None:
    whole, trimmed = tmp_path / "whole.mp4", tmp_path / "trimmed.mp4"
    encode(whole, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "50", seconds=2)
    run_ffmpeg("-ss", "1.3", "-i", whole, "-t", "0.5", "-c", "copy", trimmed)
    frames_there = len(names_of([trimmed]))
    assert 0 < frames_there < videos.read_header(trimmed).frames
    there = {(trimmed, number) for number in range(frames_there)}
    has = lambda source, number: (source, number) in there  # noqa: E731
    assert names_of([trimmed], skip=unless_whole(has)) == []
    there.remove((trimmed, frames_there - 1))
    assert len(names_of([trimmed], skip=unless_whole(has))) == frames_there


def test_any_promise_is_counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    promise = videos.Header(100_000_000_000, 25.0)
    monkeypatch.setattr(videos, "read_header", lambda path: promise)
    asked = []

    def has(source: Path, number: int | None) -> bool:
        asked.append(number)
        return number is not None and number < 1_000

    assert count([Path("clip.avi")], skip=has) == 100_000_000_000 - 1_000
    assert count([Path("clip.avi")], every=10, skip=has) == 10_000_000_000 - 100
    assert len(asked) < 100


def test_an_unknown_number_makes_the_total_unknown(mixed: list[Path]) -> None:
    assert count([*mixed, Path("camera:0")]) == 0


def names_of(sources: list[Path], **options) -> list[str]:
    return [
        frame.source.stem + ("" if frame.number is None else f" {frame.number}")
        for frame in frames(sources, **options)
    ]
