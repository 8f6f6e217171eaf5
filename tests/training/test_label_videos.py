"""Frames of a video are labelled by a pose graph made by hand and a silhouette of colours."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.parts import IGNORE, PARTS15
from pose_activity.annotations.readers.part_folder import read_part_folder
from pose_activity.stage1_pose import predict as stage1
from pose_activity.training.label_videos import label_videos
from tests.inference.drawn_videos import write_video
from tests.inference.motion_model import picture, write_pose

PERSON, BLANK = picture((20, 20), (100, 20)), np.full_like(picture((20, 20), (100, 20)), 90)


def silhouette(image: np.ndarray) -> np.ndarray:
    return (image.max(axis=2).astype(int) - image.min(axis=2) > 60).astype(np.float32)


@pytest.fixture
def pose(tmp_path: Path) -> stage1.PosePredictor:
    write_pose(tmp_path / "stage1")
    return stage1.load(tmp_path / "stage1", engine="onnxruntime", threads=1)


def test_frames_become_a_data_set(tmp_path: Path, pose: stage1.PosePredictor) -> None:
    video = write_video(tmp_path / "clip.avi", [PERSON, PERSON, BLANK, PERSON])
    out = tmp_path / "out"
    counts = label_videos([video], pose, silhouette, out, every=2, least=0.2)
    assert counts == {"written": 1, "nobody": 1}
    (raw,) = read_part_folder(out, scheme=PARTS15)
    assert raw.sample.image.name == "clip_000000.jpg"
    ids = raw.read_mask().ids
    assert {0, IGNORE, PARTS15.index("torso")} <= {*np.unique(ids).tolist()}
    assert (ids[silhouette(PERSON) == 0] % IGNORE == 0).all(), "no part outside of the silhouette"


def test_frames_of_which_bones_know_little_are_left_out(
    tmp_path: Path, pose: stage1.PosePredictor
) -> None:
    write_video(tmp_path / "clip.avi", [PERSON])

    def everywhere(image: np.ndarray) -> np.ndarray:
        return np.ones(image.shape[:2], np.float32)

    counts = label_videos([tmp_path], pose, everywhere, tmp_path / "out", least=0.9)
    assert counts == {"disagree": 1} and not (tmp_path / "out").exists()


def test_what_cannot_be_labelled(tmp_path: Path, pose: stage1.PosePredictor) -> None:
    with pytest.raises(ValueError, match="There must be a video to label"):
        label_videos([tmp_path], pose, silhouette, tmp_path / "out")
    names = [tmp_path / "a" / "x.avi", tmp_path / "b" / "x.mp4"]
    with pytest.raises(ValueError, match="have one name"):
        label_videos(names, pose, silhouette, tmp_path / "out")
