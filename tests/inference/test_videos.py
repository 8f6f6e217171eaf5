"""Frames of videos, whole and damaged, against the pictures that were written into them."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotations.images import ImageError
from inference import videos
from inference.pipeline import Frame
from inference.videos import Header, check_camera, is_video, read_frames, read_header
from tests.inference.drawn_videos import coloured, write_video


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
    assert is_video(path) and read_header(path) == Header(5, 8.0)
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
    assert f"promises 30 frames and {len(good)} can be decoded, {30 - len(good)} are" in message
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
