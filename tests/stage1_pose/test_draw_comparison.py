"""Labels on the left, answers on the right, of the same part of the picture."""

from pathlib import Path

import numpy as np

from pose_activity.annotations.skeleton import COCO17, MPII16
from pose_activity.annotations.types import Poses, Sample, no_people
from pose_activity.stage1_pose.draw_comparison import draw_comparison

IMAGE = np.full((120, 160, 3), 90, np.uint8)


def _sample() -> Sample:
    keypoints = np.zeros((1, 16, 3), np.float32)
    keypoints[0] = [40, 50, 1]
    keypoints[0, ::2] = [60, 90, 1]
    box = np.array([[40, 50, 60, 90]], np.float32)
    return Sample(Path("x"), (160, 120), MPII16, box, keypoints, np.zeros(1, np.float32))


def test_who_was_not_found_is_missing_on_the_right():
    boxes, keypoints, scores = no_people(COCO17)
    nobody = Poses(Path("x"), (160, 120), COCO17, boxes, scores, keypoints)
    drawn = draw_comparison(IMAGE, _sample(), nobody)
    half = (drawn.shape[1] - 6) // 2
    assert drawn.shape == (52, 2 * 32 + 6, 3)  # 15 % of 40 pixels around 20 x 40
    assert (drawn[:, :half] != 90).any() and (drawn[:, -half:] == 90).all()


def test_the_part_holds_the_found_people_too():
    keypoints = np.zeros((1, 17, 3), np.float32)
    keypoints[0, 0] = [150, 10, 0.9]
    found = Poses(
        Path("x"),
        (160, 120),
        COCO17,
        np.zeros((1, 4), np.float32),
        np.ones(1, np.float32),
        keypoints,
    )
    drawn = draw_comparison(IMAGE, _sample(), found)
    half = (drawn.shape[1] - 6) // 2
    assert half == 160 - 23 and (drawn[:, -half:] != 90).any()
    hidden = draw_comparison(IMAGE, _sample(), found, threshold=0.95)
    assert (hidden[:, -half:] == 90).all()
