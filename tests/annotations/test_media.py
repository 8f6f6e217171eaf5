"""What is read, what is named as unread and what is passed over in a folder of anything."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.images import SUFFIXES, write_drawing
from pose_activity.annotations.media import describe_unread, find_media, kind_of

_PIXELS = np.zeros((64, 64, 3), np.uint8)


def _touch(folder: Path, names: str) -> None:
    for name in names.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def _names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_every_file_is_read_named_or_no_media(tmp_path: Path):
    _touch(tmp_path, "a.JPG sub/b.jfif c.gif d.avif e.jp2 f.ppm")
    _touch(tmp_path, "p1.HEIC sub/p2.heic p3.CR2 p4.psd p5.svg v1.mp4 v2.m4v")
    _touch(tmp_path, "notes.txt labels.json t.csv README.md .DS_Store Thumbs.db Makefile .x.heic")
    write_drawing(tmp_path / "a.JPG.explained.png", _PIXELS)
    media = find_media(tmp_path, SUFFIXES)
    assert _names(media.files) == ["a.JPG", "c.gif", "d.avif", "e.jp2", "f.ppm", "b.jfif"]
    assert _names(media.unread) == "p1.HEIC p3.CR2 p4.psd p5.svg p2.heic v1.mp4 v2.m4v".split()
    assert _names(media.drawings) == ["a.JPG.explained.png"]
    pictures = find_media(tmp_path, SUFFIXES, kinds=("picture",))
    assert _names(pictures.unread) == ["p1.HEIC", "p3.CR2", "p4.psd", "p5.svg", "p2.heic"]
    assert describe_unread(pictures.unread) == (
        "5 files are not read: .heic 2, .cr2 1, .psd 1, .svg 1. Convert them to JPEG."
    )
    assert describe_unread(media.unread[-1:]) == ("1 file is not read: .m4v 1. Convert it to MP4.")


@pytest.mark.parametrize("name", ["photo", "photo.jpg_large", "photo.jpg~", "photo.001", "a.db"])
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif", ".gif", ".avif", ".jp2"])
def test_a_picture_with_a_strange_ending_is_named(tmp_path: Path, name: str, ending: str):
    (tmp_path / name).write_bytes(cv2.imencode(ending, _PIXELS)[1].tobytes())
    assert _names(find_media(tmp_path, SUFFIXES).unread) == [name]


@pytest.mark.parametrize(
    "start, kind",
    [
        (b"\0\0\0\x18ftypheic", "picture"),
        (b"\0\0\0\x18ftypmif1", "picture"),
        (b"\0\0\0\x18ftypisom", "video"),
        (b"\0\0\0\x18ftypM4A ", None),
        (b"RIFF\0\0\0\0AVI ", "video"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"\x1a\x45\xdf\xa3", "video"),
        (b"G" + bytes(187) + b"G", "video"),
        (b"Good morning", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_where_the_ending_does_not(tmp_path: Path, start: bytes, kind):
    (tmp_path / "thing").write_bytes(start)
    assert kind_of(tmp_path / "thing") == kind
