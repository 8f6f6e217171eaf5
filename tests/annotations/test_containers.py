"""How far videos go by their containers, against the FFmpeg that wrote them."""

import struct
from pathlib import Path

import pytest

from pose_activity.annotations.containers import Extent, examine
from tests.inference.drawn_videos import cut_off, encode, run_ffmpeg

X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
MPEG2 = ("-c:v", "mpeg2video")
# Videos of 100 frames, 25 a second: FFmpeg's options and seconds of sound.
WHOLE = {
    "plain.mp4": (("-c:v", "mpeg4"), 0),
    "index first.mp4": (("-c:v", "mpeg4", "-movflags", "+faststart"), 4),
    "sound is longer.mp4": (("-c:v", "mpeg4"), 7),
    "plain.mov": (("-c:v", "mpeg4"), 0),
    "plain.3gp": (("-c:v", "mpeg4"), 0),
    "plain.avi": (("-c:v", "mpeg4"), 4),
    "packed.avi": (("-c:v", "libxvid", "-bf", "2"), 0),
    "plain.mkv": ((*X264, "-bf", "2"), 0),
    "sound is longer.mkv": (X264, 7),
    "streamed.mkv": (("-c:v", "mpeg4", "-live", "1"), 0),
    "plain.webm": (("-c:v", "libvpx", "-deadline", "realtime"), 0),
}
# Containers that say only at their end how long they are, or not at all.
UNTIMED = {
    "fragments.mp4": ((*X264, "-movflags", "frag_keyframe+empty_moov", "-g", "10"), 0),
    "plain.flv": (("-c:v", "flv"), 0),
    "plain.wmv": (("-c:v", "wmv2"), 4),
    "plain.ogv": (("-c:v", "libtheora"), 4),
    "plain.mpg": (MPEG2, 4),
    "plain.vob": ((*MPEG2, "-f", "vob"), 0),
    "plain.ts": (MPEG2, 0),
    "plain.m2ts": ((*X264, "-mpegts_m2ts_mode", "1"), 4),
}


@pytest.mark.parametrize("name", WHOLE)
def test_the_last_frame_of_a_whole_video(tmp_path: Path, name: str) -> None:
    options, sound = WHOLE[name]
    extent = examine(encode(tmp_path / name, *options, sound=sound))
    # FFmpeg adds an empty chunk to an AVI with sound.
    assert not extent.broken and extent.last == pytest.approx(3.96, abs=0.041)


@pytest.mark.parametrize("name", UNTIMED)
def test_a_whole_video_of_which_nobody_says_how_long_it_is(tmp_path: Path, name: str) -> None:
    options, sound = UNTIMED[name]
    assert examine(encode(tmp_path / name, *options, sound=sound)) == Extent()


@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
@pytest.mark.parametrize("name", [*WHOLE, *UNTIMED])
def test_a_cut_off_file(tmp_path: Path, name: str, share: float) -> None:
    options, sound = (WHOLE | UNTIMED)[name]
    assert examine(cut_off(encode(tmp_path / name, *options, sound=sound), share)).broken


@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_what_an_edit_list_hides_is_not_missed(tmp_path: Path, ending: str) -> None:
    whole = encode(tmp_path / "whole.mp4", *X264, "-g", "50", "-bf", "0", sound=4)
    trimmed = tmp_path / f"trimmed.{ending}"
    run_ffmpeg("-ss", "1.3", "-i", whole, "-t", "1.5", "-c", "copy", trimmed)
    last = examine(trimmed).last
    assert last is not None and 1.4 < last < 1.6, "up to the end that was asked for, not 2.8"


def test_the_last_frame_of_a_varying_rate(tmp_path: Path) -> None:
    chosen = ("-vf", "select='lt(n,20)+eq(n,47)'", "-fps_mode", "vfr", "-c:v", "mpeg4")
    for ending in ("mp4", "mkv"):
        extent = examine(encode(tmp_path / f"varying.{ending}", *chosen))
        assert not extent.broken and extent.last == pytest.approx(47 / 25, abs=0.001)


def test_zeros_where_the_rest_of_a_download_belongs(tmp_path: Path) -> None:
    for name in ("plain.mkv", "plain.webm"):
        path = encode(tmp_path / name, *WHOLE[name][0])
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
        extent = examine(path)
        assert extent.broken and extent.last == pytest.approx(4, abs=0.01)


def test_what_hangs_behind_is_not_the_video(tmp_path: Path) -> None:
    path = encode(tmp_path / "plain.mp4", "-c:v", "mpeg4")
    whole = examine(path)
    for behind in (b"SEFT" * 99, bytes(500), struct.pack(">I4s", 9999, b"\xff\0\1\2")):
        path.write_bytes(path.read_bytes() + behind)
        assert examine(path) == whole


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no video at all, but a text that is longer than any head of a container",
        b"\0\0\0\x20ftypisom",
        b"RIFF\xff\xff\xff\xffAVI ",
        b"\x1a\x45\xdf\xa3",
        b"FLV\x01",
        b"OggS",
        b"\0\0\1\xba",
        bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
        b"G" * 188,
    ],
)
def test_of_what_is_no_video_nothing_is_known(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    assert examine(path).last is None
    for seed in range(50):  # whatever stands behind, no error
        path.write_bytes(content + bytes((seed * i * i) % 251 for i in range(400)))
        examine(path)
    assert examine(tmp_path) == examine(tmp_path / "gone.mp4") == Extent()
