"""A video is usable by its longest run of frames with enough sure joints."""

from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.skeleton import COCO17
from pose_activity.stage1_pose.track import Track, focus
from pose_activity.stage1_pose.usable import judge, runs


def clip(*confidences: float) -> Clip:
    keypoints = np.ones((len(confidences), 17, 3), np.float32)
    keypoints[..., 2] = np.array(confidences)[:, None]
    keypoints[keypoints[..., 2] == 0] = 0
    times = np.arange(len(confidences), dtype=np.float64)
    return Clip("a", Path("a.mp4"), skeleton=COCO17, keypoints=keypoints, times=times)


def test_the_longest_run_decides() -> None:
    found = judge(clip(0.9, 0.9, 0, 0.9, 0.9, 0.9, 0.1, 0), least=8.5, frames=3)
    assert found.longest == (3, 6) and found.usable
    assert found.absent == ((2, 3), (7, 8))
    np.testing.assert_allclose(found.sums[[0, 2, 6]], [15.3, 0, 1.7], rtol=1e-5)
    assert not judge(clip(0.9, 0.9, 0, 0.9, 0.9, 0.9), least=8.5, frames=4).usable
    assert judge(clip(0.1, 0), least=8.5, frames=1).longest == (0, 0)


def test_an_empty_clip_is_not_usable() -> None:
    found = judge(clip(), least=1, frames=1)
    assert not found.usable and found.absent == () and found.longest == (0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_those_of_a_slow_loop(seed: int) -> None:
    holds = np.random.default_rng(seed).random(30) < 0.6
    slow, at = [], 0
    for value, group in groupby(holds.tolist()):
        length = len([*group])
        slow += [(at, at + length)] if value else []
        at += length
    assert [*runs(holds)] == slow


def test_most_joints_takes_the_person_with_the_largest_sum() -> None:
    def track(person: int, frames: int, confidence: float) -> Track:
        keypoints = np.full((frames, 17, 3), confidence, np.float32)
        boxes = np.tile(np.array([0, 0, 5, 5], np.float32), (frames, 1))
        return Track(
            person, COCO17, np.arange(frames), boxes, np.ones(frames, np.float32), keypoints
        )

    people = [track(0, 10, 0.2), track(1, 4, 0.9)]
    assert focus(people, (10, 10), policy="most_joints") is people[1]
    assert focus(people, (10, 10), policy="longest") is people[0]
