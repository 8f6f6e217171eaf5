"""Strips of frames for the page of a run on clips."""

import base64
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.clips import Clip, steady_times
from pose_activity.annotations.skeleton import COCO17
from pose_activity.training.clips.report_clips import strip_uri
from tests.inference.motion_model import SIZE, crossing, write_film


def _clip(source: Path, keypoints: np.ndarray, span: tuple[int, int] | None = None) -> Clip:
    times = steady_times(len(keypoints), 25)
    return Clip("one", source, span, skeleton=COCO17, keypoints=keypoints, times=times)


def _pixels(uri: str | None) -> np.ndarray:
    assert uri is not None
    data = np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert pixels is not None
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _walker(frames: int) -> np.ndarray:
    """A person of 40 x 80 pixels who walks to the right by 2 pixels a frame."""
    rng = np.random.default_rng(0)
    joints = np.ones((frames, 17, 3), np.float32)
    joints[..., :2] = rng.uniform(0, (40, 80), (17, 2)) + 100
    joints[..., 0] += 2 * np.arange(frames)[:, None]
    return joints


def test_six_skeletons_without_a_video() -> None:
    joints = _walker(30)
    joints[3:6] = 0  # found nowhere: never shown
    strip = _pixels(strip_uri(_clip(Path("x.npz"), joints), of_video=False, threshold=0.0))
    width = strip.shape[1] // 6
    bright = (strip.max(2) > 90).reshape(len(strip), 6, width)
    middles = [np.flatnonzero(bright[:, i].any(0)).mean() / width for i in range(6)]
    assert (np.diff(middles) > 0).all(), "the person walks to the right"


def test_frames_of_the_video_below_the_joints(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.avi", crossing())
    frames = [frame.load() for frame in videos.read_frames(film)]
    first, stop = 4, 10
    joints = np.zeros((stop - first, 17, 3), np.float32)
    joints[:, 0] = 3, 3, 1  # one joint in a corner leaves the rest of a frame as it is
    clip = _clip(film, joints, (first, stop))
    strip = _pixels(strip_uri(clip, of_video=True, threshold=0.0))
    width = strip.shape[1] // 6
    for i in range(6):
        shown = strip[:, i * width : (i + 1) * width].astype(int)
        expected = cv2.resize(frames[first + i], (width, len(strip)), interpolation=cv2.INTER_AREA)
        assert np.abs(shown - expected)[20:, 20:].mean() < 8, i


def test_the_face_of_the_person_is_hidden(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (6, SIZE[1], SIZE[0], 3), np.uint8)
    film = write_film(tmp_path / "film.avi", list(frames))
    joints = np.zeros((6, 17, 3), np.float32)
    joints[:, :3] = [(80, 30, 1), (84, 27, 1), (76, 27, 1)]  # nose and eyes
    joints[:, 15:] = [(70, 110, 1), (90, 110, 1)]  # ankles
    clip = _clip(film, joints, (0, 6))
    seen, hidden = (
        _pixels(strip_uri(clip, of_video=True, threshold=1.0, hide_faces=hides)).astype(int)
        for hides in (False, True)
    )
    changed = np.abs(seen - hidden).max(2) > 40
    head, legs = slice(0, len(seen) // 3), slice(len(seen) // 2, None)
    assert changed[head].mean() > 0.02 and changed[legs].mean() < 0.001


def test_nothing_where_nothing_can_be_shown(tmp_path: Path) -> None:
    gone = _clip(tmp_path / "gone.avi", _walker(4), (0, 4))
    assert strip_uri(gone, of_video=True, threshold=0.0) is None
    nobody = _clip(tmp_path / "x.npz", np.zeros((4, 17, 3), np.float32))
    assert strip_uri(nobody, of_video=False, threshold=0.0) is None
    assert strip_uri(None, of_video=False, threshold=0.0) is None
