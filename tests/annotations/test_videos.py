"""Frames of videos, whole and damaged, against the pictures that were written into them."""

import os
import socket
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations import videos
from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.videos import (
    SUFFIXES,
    Frame,
    Header,
    check_camera,
    is_video,
    read_frames,
    read_header,
)
from tests.inference.drawn_videos import coloured, cut_off, encode, run_ffmpeg, write_video

X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
MPEG4, MPEG2 = ("-c:v", "mpeg4"), ("-c:v", "mpeg2video")
# Ending -> how FFmpeg writes such a video.
WRITTEN = {
    **dict.fromkeys((".mp4", ".m4v", ".mp4v", ".lrv", ".insv", ".f4v"), (*X264, "-f", "mp4")),
    **dict.fromkeys((".mov", ".qt"), (*X264, "-f", "mov")),
    **dict.fromkeys((".3gp", ".3g2"), (*MPEG4, "-f", "3gp")),
    **dict.fromkeys((".avi", ".divx", ".xvid"), ("-c:v", "libxvid", "-f", "avi")),
    **dict.fromkeys((".mkv", ".mk3d"), (*X264, "-f", "matroska")),
    ".webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    ".flv": ("-c:v", "flv"),
    **dict.fromkeys((".wmv", ".asf"), ("-c:v", "wmv2", "-f", "asf")),
    **dict.fromkeys((".mpg", ".mpeg", ".mpe", ".mod", ".tod"), (*MPEG2, "-f", "mpeg")),
    ".vob": (*MPEG2, "-f", "vob"),
    ".m1v": ("-c:v", "mpeg1video"),
    ".m2v": MPEG2,
    **dict.fromkeys((".ts", ".m2t"), (*X264, "-f", "mpegts")),
    **dict.fromkeys((".mts", ".m2ts"), (*X264, "-f", "mpegts", "-mpegts_m2ts_mode", "1")),
    **dict.fromkeys((".ogv", ".ogm"), ("-c:v", "libtheora", "-f", "ogg")),
    ".mxf": MPEG2,
    ".gxf": MPEG2,
    ".nut": MPEG4,
    ".wtv": MPEG2,
    **dict.fromkeys((".rm", ".rmvb"), ("-c:v", "rv10", "-f", "rm")),
    ".dv": ("-c:v", "dvvideo"),
    ".y4m": ("-pix_fmt", "yuv420p"),
    ".ivf": ("-c:v", "libvpx", "-deadline", "realtime"),
    **dict.fromkeys((".h264", ".264"), (*X264, "-f", "h264")),
    **dict.fromkeys(
        (".h265", ".265", ".hevc"),
        ("-c:v", "libx265", "-x265-params", "log-level=none", "-f", "hevc"),
    ),
    **dict.fromkeys((".mjpeg", ".mjpg"), ("-c:v", "mjpeg", "-f", "mjpeg")),
}
SIZES = {".3gp": "176x144", ".3g2": "176x144", ".rm": "176x144", ".rmvb": "176x144"}
SIZES |= {".dv": "720x576", ".gxf": "720x576"}


def loaded(frames: list[Frame]) -> tuple[list[Frame], list[str]]:
    """Returns the frames that can be read, and what the others say."""
    good, messages = [], []
    for frame in frames:
        try:
            frame.load()
            good.append(frame)
        except ImageError as error:
            messages.append(str(error))
    return good, messages


@pytest.mark.parametrize("name", ["é clip.avi", "clip.MKV"])
def test_frames_are_those_that_were_written(tmp_path: Path, name: str) -> None:
    pictures = coloured(5)
    path = write_video(tmp_path / name, pictures, fps=8)
    assert is_video(path) and read_header(path) == Header(5, 8.0, (64, 48))
    frames = list(read_frames(path))
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.seconds for frame in frames] == pytest.approx([0, 1 / 8, 2 / 8, 3 / 8, 4 / 8])
    for frame, picture in zip(frames, pictures, strict=True):
        assert frame.source == path
        pixels = frame.load()
        assert pixels.dtype == np.uint8 and np.array_equal(pixels, picture)


def test_every_so_many_frames_and_none_that_are_there(tmp_path: Path) -> None:
    pictures = coloured(7)
    path = write_video(tmp_path / "clip.avi", pictures)
    frames = list(read_frames(path, every=3, skip=lambda number: number == 3))
    assert [frame.number for frame in frames] == [0, 6]
    assert np.array_equal(frames[1].load(), pictures[6])


def test_a_turned_video_stands_upright(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", coloured(2, (64, 32)), code="mp4v")
    (lying, _) = [frame.load() for frame in read_frames(path)]
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # of a track's header, ISO 14496-12
    one = 1 << 16
    data[matrix : matrix + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    (upright, _) = [frame.load() for frame in read_frames(path)]
    assert np.array_equal(upright, np.rot90(lying, k=-1))


@pytest.mark.parametrize("ending", sorted(SUFFIXES))
def test_a_video_of_each_container_is_read_to_its_end(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"clip{ending}"
    assert is_video(path) and is_video(path.with_suffix(ending.upper()))
    encode(path, *WRITTEN[ending], seconds=1, size=SIZES.get(ending, "160x120"))
    good, lost = loaded(list(read_frames(path)))
    assert len(good) == 25 and not lost
    assert [frame.number for frame in good] == list(range(25))
    seconds = [frame.seconds for frame in good if frame.seconds is not None]
    assert max(seconds) == pytest.approx(24 / 25, abs=0.05)


@pytest.mark.parametrize(
    ("name", "options", "frames"),
    [
        ("packed.avi", ("-c:v", "libxvid", "-bf", "2"), 98),
        ("reordered.avi", (*MPEG4, "-bf", "2"), 100),
        ("sound is longer.mp4", X264, 100),
        ("sound is longer.mkv", X264, 100),
        ("sound is longer.ts", X264, 100),
        ("sound is longer.flv", X264, 100),
        ("sound is longer.wmv", ("-c:v", "wmv2"), 100),
        ("varying.mp4", ("-vf", "select='lt(n,20)+not(mod(n,9))'", "-fps_mode", "vfr", *X264), 29),
        ("varying.mkv", ("-vf", "select='lt(n,20)+not(mod(n,9))'", "-fps_mode", "vfr", *X264), 29),
        ("fragments.mp4", (*X264, "-movflags", "frag_keyframe+empty_moov"), 100),
        *((f"one.{kind}", ("-frames:v", "1"), 1) for kind in ("mp4", "avi", "mov", "mkv", "webm")),
    ],
)
def test_a_video_that_plays_to_its_end_is_whole(
    tmp_path: Path, name: str, options: tuple[str, ...], frames: int
) -> None:
    path = encode(tmp_path / name, *options, sound=7 if "sound" in name else 0)
    good, lost = loaded(list(read_frames(path)))
    assert (len(good), lost) == (frames, [])


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
def test_a_lossless_trim_is_whole(tmp_path: Path, ending: str) -> None:
    whole = encode(tmp_path / "whole.mp4", *X264, "-g", "50", "-bf", "2", sound=4)
    trimmed = tmp_path / f"trimmed.{ending}"
    run_ffmpeg("-ss", "1.3", "-i", whole, "-t", "1.5", "-c", "copy", trimmed)
    good, lost = loaded(list(read_frames(trimmed)))
    assert not lost and (len(good) == 72 if ending == "mkv" else 37 <= len(good) <= 39)


def test_chunks_without_a_frame_are_not_lost(tmp_path: Path) -> None:
    path = encode(tmp_path / "clip.avi", "-c:v", "mjpeg", seconds=2)
    path.write_bytes(with_empty_chunks(path.read_bytes(), every=3))
    good, lost = loaded(list(read_frames(path)))
    assert read_header(path).frames == 50 and (len(good), lost) == (34, [])


def with_empty_chunks(avi: bytes, *, every: int) -> bytes:
    """Empties each `every`th chunk of an AVI: the frame before is shown on ("N-VOP")."""
    start = avi.index(b"movi")
    position, stop = start + 4, start + int.from_bytes(avi[start - 4 : start], "little")
    chunks, index = b"", b""
    for number in range(10_000):
        if position >= stop:
            break
        name, size = struct.unpack_from("<4sI", avi, position)
        body = b"" if number % every == every - 1 else avi[position + 8 : position + 8 + size]
        index += struct.pack("<4sIII", name, 16, 4 + len(chunks), len(body))
        chunks += struct.pack("<4sI", name, len(body)) + body + bytes(len(body) % 2)
        position += 8 + size + size % 2
    head = avi[: start - 8] + struct.pack("<4sI", b"LIST", len(chunks) + 4) + b"movi"
    body = head + chunks + struct.pack("<4sI", b"idx1", len(index)) + index
    return body[:4] + struct.pack("<I", len(body) - 8) + body[8:]


@pytest.mark.parametrize("share", [0.5, 0.8])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.mp4", (*MPEG4, "-movflags", "+faststart")),
        ("fragments.mp4", (*X264, "-g", "10", "-movflags", "frag_keyframe+empty_moov")),
        ("clip.mov", (*MPEG4, "-movflags", "+faststart")),
        ("clip.avi", ("-c:v", "libxvid", "-bf", "2")),
        *((f"clip{ending}", WRITTEN[ending]) for ending in (".mkv", ".webm", ".flv", ".wmv")),
        *((f"clip{ending}", WRITTEN[ending]) for ending in (".mpg", ".vob", ".ts", ".m2ts")),
        ("clip.ogv", WRITTEN[".ogv"]),
    ],
)
def test_a_video_that_was_cut_off_is_told(
    tmp_path: Path, name: str, options: tuple[str, ...], share: float
) -> None:
    path = cut_off(encode(tmp_path / name, *options), share)
    good, (message,) = loaded(list(read_frames(path)))
    assert 10 < len(good) < 96
    assert f"{path}: damaged or cut off: " in message and f"{len(good)} " in message


@pytest.mark.parametrize("name", ["clip.avi", "clip.mkv"])
def test_a_video_that_was_cut_off_says_what_is_lost(tmp_path: Path, name: str) -> None:
    pictures = coloured(30)
    path = write_video(tmp_path / name, pictures)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    good, (message,) = loaded(list(read_frames(path)))
    assert 10 < len(good) < 16
    for frame, picture in zip(good, pictures, strict=False):
        assert np.array_equal(frame.load(), picture)
    end = f"the last {(len(good) - 1) / 10:.2f} s from the beginning"
    assert f"promises 30 frames and {len(good)} can be decoded, {end}" in message
    last = list(read_frames(path))[-1]
    assert (last.number, last.seconds) == (len(good), None)
    assert not loaded(list(read_frames(path, skip=lambda number: number == len(good))))[1]


def test_a_video_that_is_damaged_inside_says_what_is_lost(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", coloured(20), code="mp4v")
    data = bytearray(path.read_bytes())
    middle = slice(len(data) // 2, len(data) // 2 + 3000)
    data[middle] = bytes(byte ^ 0x5A for byte in data[middle])
    path.write_bytes(data)
    good, (message,) = loaded(list(read_frames(path)))
    assert 0 < len(good) < 20 and "damaged or cut off: its header promises 20 frames" in message


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_what_is_no_video_is_one_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    assert read_header(path) == Header()
    (frame,) = read_frames(path)
    assert frame.number is None
    with pytest.raises(ImageError, match="clip.mp4: not a video, or a damaged one"):
        frame.load()


SECRET = "neighbour.mp4"
SCRIPTS = {
    "concat": f"ffconcat version 1.0\nfile {SECRET}\n",
    "concat that a comment hides": f"ffconcat version 1.0\n# \0\0 ftyp moov\nfile {SECRET}\n",
    "playlist": f"#EXTM3U\n#EXTINF:4,\n{SECRET}\n#EXT-X-ENDLIST\n",
    "playlist of a stream": "#EXTM3U\n#EXTINF:4,\nneighbour.ts\n#EXT-X-ENDLIST\n",
    "session": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 26\n",
    "manifest": '<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-live:2011">'
    f"<BaseURL>{SECRET}</BaseURL></MPD>",
}


@pytest.mark.parametrize("ending", [".mp4", ".avi", ".mkv", ".ts", ".mpg"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_leads_to_no_other_file(tmp_path: Path, script: str, ending: str) -> None:
    encode(tmp_path / SECRET, *X264, seconds=0.2)
    encode(tmp_path / "neighbour.ts", *X264, seconds=0.2)
    path = tmp_path / f"clip{ending}"
    path.write_text(SCRIPTS[script], encoding="utf-8")
    before = os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS")
    (frame,) = read_frames(path)
    with pytest.raises(ImageError, match="not a video, or a damaged one"):
        frame.load()
    assert read_header(path) == Header()
    assert os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS") == before


def test_options_of_the_surroundings_do_not_open_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = "threads;1|format_whitelist;concat,mov"
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", theirs)
    encode(tmp_path / SECRET, *X264, seconds=0.2)
    (tmp_path / "clip.mp4").write_text(SCRIPTS["concat"], encoding="utf-8")
    assert read_header(tmp_path / "clip.mp4") == Header()
    assert len(list(read_frames(tmp_path / SECRET))) == 5
    assert os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] == theirs


@pytest.mark.parametrize(
    "name", ["12:30:05.mp4", "img%03d.mp4", "file:a.mp4", "concat:a|b.mp4", "-i.mp4", "a#b?c.mp4"]
)
def test_a_name_is_only_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    encode(tmp_path / "a.mp4", *MPEG4, seconds=1).rename(name)
    assert len(list(read_frames(Path(name)))) == read_header(Path(name)).frames == 25


@pytest.mark.parametrize("name", ["http://127.0.0.1:9/a.mp4", "concat:a.mp4|b.mp4", "img%03d.mjpg"])
def test_a_name_of_no_file_is_handed_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for made in ("a.mp4", "b.mp4"):
        encode(tmp_path / made, *MPEG4, seconds=0.2)
    for number in range(3):
        encode(tmp_path / f"img{number:03d}.mjpg", "-c:v", "mjpeg", seconds=0.04)
    (frame,) = read_frames(Path(name))
    with pytest.raises(ImageError, match="there is no such file"):
        frame.load()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are files of Unix")
def test_only_regular_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.mp4")
    Path("device.mp4").symlink_to("/dev/zero")
    Path("folder.mp4").mkdir()
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind("socket.mp4")
        for name in ("pipe.mp4", "device.mp4", "folder.mp4", "socket.mp4"):
            (frame,) = read_frames(Path(name))
            with pytest.raises(ImageError, match=f"{name}: not a regular file, and only those"):
                frame.load()
            assert read_header(Path(name)) == Header()


def test_a_header_that_promises_what_no_file_holds_is_not_believed(tmp_path: Path) -> None:
    path = encode(tmp_path / "clip.avi", "-c:v", "mjpeg", seconds=1)
    data = bytearray(path.read_bytes())
    count = data.index(b"strh") + 8 + 32
    data[count : count + 4] = struct.pack("<I", 2**31 - 1)
    path.write_bytes(data)
    assert read_header(path) == Header(0, 25.0, (160, 120))
    good, lost = loaded(list(read_frames(path)))
    assert (len(good), lost) == (25, [])


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (("-vf", "setsar=16/15"), (171, 120)),
        (("-vf", "setsar=2/1"), (320, 120)),
        (("-vf", "setsar=1/2"), (160, 240)),
        (("-vf", "setsar=1/1"), (160, 120)),
        (("-vf", "setsar=100/1"), (160, 120)),
    ],
)
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_pixels_become_square(
    tmp_path: Path, ending: str, options: tuple[str, ...], size: tuple[int, int]
) -> None:
    path = encode(tmp_path / f"clip.{ending}", *X264, *options, seconds=0.2)
    for frame in read_frames(path):
        assert frame.load().shape == (size[1], size[0], 3)


def test_square_pixels_show_what_a_player_shows(tmp_path: Path) -> None:
    path = encode(tmp_path / "clip.mkv", "-c:v", "ffv1", "-vf", "setsar=3/2", seconds=0.04)
    shown = tmp_path / "shown.png"
    run_ffmpeg("-i", path, "-vf", "scale=iw*sar:ih:flags=bilinear,setsar=1", shown)
    (frame,) = read_frames(path)
    difference = frame.load().astype(int) - load_rgb(shown)
    assert np.abs(difference).mean() < 3


def test_a_turned_video_is_stretched_the_other_way(tmp_path: Path) -> None:
    lying = encode(tmp_path / "lying.mp4", *MPEG4, "-vf", "setsar=2/1", seconds=0.2)
    run_ffmpeg("-display_rotation", "90", "-i", lying, "-c", "copy", tmp_path / "turned.mp4")
    frame, *_ = read_frames(tmp_path / "turned.mp4")
    assert frame.load().shape == (320, 120, 3)


class FakeCamera:
    """A camera that shows some pictures and is unplugged then."""

    def __init__(self, pictures: list[np.ndarray]) -> None:
        self.left = list(pictures)
        self.released = False

    def get(self, what: int) -> float:
        return {cv2.CAP_PROP_FPS: 30.0}.get(what, -1.0)

    def grab(self) -> bool:
        if not self.left:
            return False
        self.now = self.left.pop(0)
        return True

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, cv2.cvtColor(self.now, cv2.COLOR_RGB2BGR)

    def release(self) -> None:
        self.released = True


def test_a_camera_is_read_until_it_gives_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = coloured(3)
    camera = FakeCamera(pictures)
    asked = []
    monkeypatch.setattr(videos.cv2, "VideoCapture", lambda name: asked.append(name) or camera)
    frames = list(read_frames(Path("camera:2")))
    assert asked == [2] and camera.released
    for frame, picture in zip(frames, pictures, strict=False):
        assert np.array_equal(frame.load(), picture)
    assert [frame.number for frame in frames] == [0, 1, 2, 3]
    times = [frame.seconds for frame in frames if frame.seconds is not None]
    assert len(times) == 3 and 0 <= times[0] <= times[1] <= times[2] < 5
    with pytest.raises(ImageError, match="camera:2: the camera gives no more pictures"):
        frames[3].load()


def test_a_camera_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="There is no camera at camera:97"):
        check_camera(Path("camera:97"))


def test_a_real_clip_from_its_first_to_its_last_frame(data_dir: Path) -> None:
    path = data_dir / "clips" / "kth" / "person01_walking_d1_uncomp.avi"
    frames = [(frame.number, frame.seconds) for frame in read_frames(path, every=50)]
    assert frames == [(n, pytest.approx(n / 25)) for n in range(0, 555, 50)]


@pytest.mark.skipif(os.name == "nt", reason="names there are Unicode")
def test_a_name_that_is_not_utf8_is_one_error(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.avi"))
    write_video(tmp_path / "clip.avi", coloured(3)).rename(path)
    assert read_header(path) == Header()
    (frame,) = read_frames(path)  # OpenCV ends the process on such a name
    with pytest.raises(ImageError, match="the video's name is not UTF-8. Rename it"):
        frame.load()


@pytest.mark.parametrize("limit", [64 * 48, 64 * 48 - 1])
def test_large_frames_are_refused_before_one_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    path = write_video(tmp_path / "clip.avi", coloured(3))
    monkeypatch.setattr(videos, "MOST_PIXELS", limit)
    good, messages = loaded(list(read_frames(path)))
    if limit == 64 * 48:
        assert (len(good), messages) == (3, [])
    else:
        assert not good and len(messages) == 1
        assert "may have 3,071 pixels. Received: 64x48" in messages[0]


def test_frames_have_the_size_of_the_header_whatever_the_stream_says(tmp_path: Path) -> None:
    """Else a small file with a modest header could fill the memory."""
    path = write_video(tmp_path / "clip.webm", coloured(2, (640, 480)), code="VP80")
    data = bytearray(path.read_bytes())
    for element in (b"\xb0\x82\x02\x80", b"\xba\x82\x01\xe0"):  # PixelWidth, PixelHeight
        at = data.index(element) + 2
        data[at : at + 2] = b"\0\x40"
    path.write_bytes(data)
    assert read_header(path).size == (64, 64)
    assert [frame.load().shape for frame in read_frames(path)] == [(64, 64, 3)] * 2
