"""`check-videos` with a pose model that finds what a test says, in the frames that it says."""

import csv
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.readers.video_folder import read_ranges
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, no_people
from pose_activity.annotations.videos import read_header
from pose_activity.stage1_pose.predict import PosePredictor
from pose_activity.training.check_videos import check_videos
from tests.inference.drawn_videos import write_video
from tests.inference.fakes import poses_of

FRAMES, SIZE = 24, (80, 50)


class FakePose(PosePredictor):
    """Finds one person in a frame by its brightness; nobody in a dark one."""

    def __init__(self) -> None:
        self.skeleton = COCO17

    def __call__(self, images, paths) -> list[Poses]:
        found = []
        for image, path in zip(images, paths, strict=True):
            if image.mean() > 60:
                found.append(poses_of(path, 1, SIZE))
            else:
                boxes, keypoints, scores = no_people(COCO17)
                found.append(Poses(path, SIZE, COCO17, boxes, scores, keypoints))
        return found


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """The person is missing in the frames 10 to 13, counted from 0."""
    (tmp_path / "videos").mkdir()
    frames = [np.full((50, 80, 3), 20 if 10 <= i < 14 else 120, np.uint8) for i in range(FRAMES)]
    return write_video(tmp_path / "videos" / "skater.avi", frames)


def test_frames_without_the_person_are_listed_and_cut_out(video: Path, tmp_path: Path) -> None:
    (found,) = check_videos(
        [video.parent], FakePose(), tmp_path / "out", least=8, frames=8, cut=True
    )
    assert found.found.absent == ((10, 14),) and found.found.usable
    with (tmp_path / "out" / "check.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["missing in"], row["of frames"], row["usable"]) == ("11-14", "1-10", "yes")
    assert read_ranges(tmp_path / "out" / "ranges.txt") == {"skater": [(0, 10)]}
    assert read_header(tmp_path / "out" / "cut" / "skater.mp4").frames == FRAMES - 4
    page = (tmp_path / "out" / "check.html").read_text(encoding="utf-8")
    assert "skater.avi: usable" in page and "data:image/jpeg" in page


def test_a_short_run_is_not_usable(video: Path, tmp_path: Path) -> None:
    (found,) = check_videos([video], FakePose(), tmp_path / "out", least=8, frames=11, cut=True)
    assert not found.found.usable and not (tmp_path / "out" / "cut").exists()
    assert (tmp_path / "out" / "ranges.txt").read_bytes() == b""


def test_joints_are_compared_with_parts(video: Path, tmp_path: Path) -> None:
    (found,) = check_videos(
        [video], FakePose(), tmp_path / "out", compare=lambda pixels, poses: (1, 4)
    )
    assert found.off == pytest.approx(0.25)
    height, width = found.strip.shape[:2]
    assert height == 150 and width == 8 * 240
    reds = found.strip[1, 10::240, 0].tolist()
    assert len({*reds}) == 2  # frames in red and in green


def test_no_video_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There must be a video to check"):
        check_videos([tmp_path], FakePose(), tmp_path / "out")
