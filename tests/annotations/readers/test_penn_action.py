"""A folder of `.mat` files, one per video."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from pose_activity.annotations.readers.matlab import load_mat
from pose_activity.annotations.readers.penn_action import read_penn_action
from pose_activity.annotations.skeleton import PENN13


def _write(path: Path, frames: int = 4, **change: Any) -> Path:
    x = np.arange(frames * 13.0).reshape(frames, 13) + 50
    content = {
        "x": x,
        "y": x + 100,
        "visibility": np.ones((frames, 13), np.uint8),
        "action": "baseball_pitch",
        "pose": "front",
        "train": 1,
        "nframes": frames,
        "dimensions": [270, 480, frames],
    } | change
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {key: value for key, value in content.items() if value is not None})
    return path


def test_a_folder_of_videos(tmp_path: Path):
    _write(tmp_path / "0002.mat", action="golf_swing", train=-1)
    _write(tmp_path / "0001.mat", 3)
    _write(tmp_path / "more" / "0003.mat", train=0)
    _write(tmp_path / "more" / "0004.mat", train=None, nframes=None)
    (tmp_path / "README").touch()
    clips = read_penn_action(tmp_path, fps=30)
    assert [(c.name, c.label, c.split, c.group) for c in clips] == [
        ("0001", "baseball_pitch", "train", None),
        ("0002", "golf_swing", "test", None),
        ("more/0003", "baseball_pitch", "test", None),
        ("more/0004", "baseball_pitch", None, None),
    ]
    first = clips[0]
    assert first.skeleton is PENN13 and first.source == tmp_path / "0001.mat"
    assert first.keypoints is not None and first.keypoints[1, 2].tolist() == [65, 165, 1]
    assert first.times is not None and first.times.tolist() == [0, 1 / 30, 2 / 30]


def test_hidden_and_unknown_joints(tmp_path: Path):
    x = np.full((2, 13), 40.0)
    x[0, 1], x[0, 2], x[1, 0] = 0.75, 1, np.nan
    visible = np.ones((2, 13))
    visible[0, :4] = 0
    y = np.where(x <= 1, x, 60)
    _write(tmp_path / "1.mat", 2, x=x, y=y, visibility=visible)
    notes: list[str] = []
    (clip,) = read_penn_action(tmp_path, fps=30, on_note=notes.append)
    assert clip.keypoints is not None
    assert clip.keypoints[0, :5, 2].tolist() == [0.5, 0, 0, 0.5, 1]
    assert clip.keypoints[1, 0].tolist() == [0, 0, 0] and "1 joints hold numbers" in notes[0]


@pytest.mark.parametrize(("place", "v"), [(0.75, 0), (1.0, 0), (1.01, 0), (1.53, 0), (10.0, 0.5)])
def test_unknown_joints_of_scaled_videos(tmp_path: Path, place: float, v: float):
    x = np.full((1, 13), 40.0)
    x[0, 4] = place
    visible = np.where(x < 40, 0, 1)
    _write(tmp_path / "1.mat", 1, x=x, y=x, visibility=visible)
    (clip,) = read_penn_action(tmp_path, fps=30)
    assert clip.keypoints is not None
    found = [0, 0, 0] if v == 0 else [place, place, v]
    assert clip.keypoints[0, 4].tolist() == found and clip.keypoints[0, 5].tolist() == [40, 40, 1]


def test_a_joint_may_lie_in_the_corner_if_it_is_seen(tmp_path: Path):
    _write(tmp_path / "1.mat", 1, x=np.full((1, 13), 1.0), y=np.full((1, 13), 1.0))
    (clip,) = read_penn_action(tmp_path, fps=30)
    assert clip.keypoints is not None and (clip.keypoints == 1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"visibility": None}, "x, y, visibility, action. Missing: visibility"),
        ({"x": np.zeros((4, 14))}, r"x must be numbers \(frames, 13\). Received: float64 \(4, 14"),
        ({"y": "text"}, "y must be numbers"),
        ({"y": np.zeros((3, 13))}, "a row for each of the nframes .* Received: 4, 3 and 4"),
        ({"nframes": 5}, "Received: 4, 4 and 4, nframes 5"),
        ({"nframes": [4, 4]}, "nframes must be one whole number. Received: array"),
        ({"train": "yes"}, "train must be one whole number. Received: 'yes'"),
        ({"action": " "}, "action must be a text. Received: ' '"),
        ({"action": 3}, "action must be a text. Received: 3"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_other_variables(tmp_path: Path, change: dict[str, Any], message: str):
    _write(tmp_path / "1.mat", **change)
    with pytest.raises(ValueError, match=r"1\.mat: .*" + message):
        read_penn_action(tmp_path, fps=30)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ValueError, match="absent: there is no such folder. Give Penn Action's"):
        read_penn_action(tmp_path / "absent", fps=30)
    with pytest.raises(ValueError, match=r"must hold one \.mat file per video. It holds none"):
        read_penn_action(tmp_path, fps=30)
    with pytest.raises(ValueError, match=r"cannot be opened \(Is a directory\)"):
        load_mat(tmp_path, ["x"])
    path = _write(tmp_path / "1.mat", 40)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match=r"1\.mat: not a MATLAB file, or a damaged one"):
        read_penn_action(tmp_path, fps=30)
