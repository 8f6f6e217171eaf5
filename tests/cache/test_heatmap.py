"""Keypoints into a plane, against slow drawings."""

import math
from typing import Literal

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17, MPII16
from pose_activity.cache.heatmap import draw
from pose_activity.cache.options import Style


def one_person(**joints: tuple[float, float, float]) -> np.ndarray:
    keypoints = np.zeros((1, len(MPII16), 3), np.float32)
    for name, values in joints.items():
        keypoints[0, MPII16.index(name)] = values
    return keypoints


def slow_gaussian(keypoints: np.ndarray, height: int, width: int, sigma: float) -> np.ndarray:
    """The definition, pixel by pixel: max over joints of 255 v exp(-d^2 / 2 sigma^2)."""
    plane = np.zeros((height, width))
    for x, y, v in keypoints.reshape(-1, 3).tolist():
        for row in range(height):
            for column in range(width):
                squared = (column - x) ** 2 + (row - y) ** 2
                value = 255 * v * math.exp(-squared / (2 * sigma**2))
                plane[row, column] = max(plane[row, column], value)
    return plane


def test_gaussian_is_its_definition() -> None:
    keypoints = one_person(
        head_top=(10.3, 7.8, 0.9), pelvis=(14.0, 12.0, 0.5), left_ankle=(-3.0, 20.0, 1.0)
    )
    plane = draw(keypoints, MPII16, (30, 40), Style(style="gaussian", sigma=3.0))
    # Cut at 3 sigma, where a blob is below 255 exp(-4.5) = 2.9 grey values.
    assert np.abs(plane - slow_gaussian(keypoints, 30, 40, 3.0)).max() <= 3
    assert plane.max() == round(255 * 0.9 * math.exp(-(0.3**2 + 0.2**2) / 18))


def test_skeleton_draws_bones_and_joints_at_the_sources_values() -> None:
    keypoints = one_person(left_hip=(10, 10, 1), left_knee=(10, 50, 0.9))
    plane = draw(keypoints, MPII16, (60, 40), Style())
    assert set(np.unique(plane)) == {0, 190, 250}
    assert plane[10, 10] == plane[50, 10] == 250
    assert plane[30, 10] == 190 and plane[30, 20] == 0


def test_every_bone_is_drawn_between_its_joints() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(5, 95, (1, 17, 2))
    keypoints = np.concatenate([xy, np.ones((1, 17, 1))], axis=2).astype(np.float32)
    plane = draw(keypoints, COCO17, (100, 100), Style(bone_width=2))
    for a, b in COCO17.bone_index:
        for part in np.linspace(0, 1, 20):
            x, y = np.rint(xy[0, a] * (1 - part) + xy[0, b] * part).astype(int)
            assert plane[y - 1 : y + 2, x - 1 : x + 2].max() >= 190


def test_missing_and_doubtful_joints_are_not_drawn() -> None:
    keypoints = one_person(left_hip=(10, 10, 1), left_knee=(10, 50, 0.2))
    plane = draw(keypoints, MPII16, (60, 40), Style(min_confidence=0.25))
    assert plane[10, 10] == 250 and plane[20:].max() == 0
    assert draw(one_person(), MPII16, (60, 40), Style(min_confidence=0.0)).max() == 0


@pytest.mark.parametrize("style", ["skeleton", "gaussian"])
def test_nobody_and_people_outside(style: Literal["skeleton", "gaussian"]) -> None:
    nobody = np.zeros((0, 16, 3), np.float32)
    assert draw(nobody, MPII16, (20, 30), Style(style=style)).shape == (20, 30)
    outside = one_person(pelvis=(1e7, -1e7, 1), left_hip=(-500, 5, 1))
    assert draw(outside, MPII16, (20, 30), Style(style=style)).max() in (0, 190)


def test_style_refuses_an_unknown_name() -> None:
    with pytest.raises(ValueError, match=r"style must be one of \['skeleton', 'gaussian'\]"):
        Style(style="blob")  # pyright: ignore[reportArgumentType]
