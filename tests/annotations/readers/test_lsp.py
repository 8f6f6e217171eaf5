"""Leeds Sports Pose: a miniature of its joints.mat."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from pose_activity.annotations.readers.lsp import read_lsp
from pose_activity.annotations.skeleton import LSP14


def write(folder: Path, joints: Any) -> Path:
    savemat(folder / "joints.mat", {"joints": joints})
    return folder / "joints.mat"


def test_people_and_official_halves(tmp_path: Path):
    joints = np.zeros((3, 14, 1001))
    joints[0], joints[1] = np.arange(14)[:, None] + 10, np.arange(1001) + 20
    joints[:, 12, 0], joints[:, 13, 0] = (40, 50, 0), (43, 46, 1)
    joints[:, 3, 0], joints[0, 4, 0] = 0, np.nan
    samples = list(read_lsp(write(tmp_path, joints), tmp_path / "images"))
    first = samples[0]
    assert len(samples) == 1001 and first.skeleton is LSP14
    assert [samples[i].split for i in (0, 999, 1000)] == ["train", "train", "test"]
    names = [samples[i].image for i in (0, 1000)]
    assert names == [tmp_path / "images" / "im0001.jpg", tmp_path / "images" / "im1001.jpg"]
    assert first.keypoints[0, [0, 3, 4, 12, 13]].tolist() == [
        [10, 20, 1],
        [0, 0, 0],
        [0, 0, 0],
        [40, 50, 1],
        [43, 46, 0.5],
    ]
    assert first.head_sizes.tolist() == [5]
    assert LSP14.joints[0] == "right_ankle" and LSP14.joints[11] == "left_wrist"


def test_bare_names_without_a_folder(tmp_path: Path):
    samples = read_lsp(write(tmp_path, np.ones((3, 14, 2))), None)
    assert [sample.image for sample in samples] == [Path("im0001.jpg"), Path("im0002.jpg")]


def test_other_files(tmp_path: Path):
    with pytest.raises(ValueError, match="there is no such file. Give LSP's joints.mat"):
        list(read_lsp(tmp_path / "absent.mat", None))
    with pytest.raises(ValueError, match=r"joints \(3, 14, pictures\). Received: \(14, 3, 5\)"):
        list(read_lsp(write(tmp_path, np.zeros((14, 3, 5))), None))
    savemat(tmp_path / "x.mat", {"points": 1})
    with pytest.raises(ValueError, match="Received: no variable of that name"):
        list(read_lsp(tmp_path / "x.mat", None))
