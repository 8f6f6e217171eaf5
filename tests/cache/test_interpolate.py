"""Gaps in time against numbers worked out by hand, and against numpy's own interpolation."""

import numpy as np
import pytest

from pose_activity.cache.interpolate import fill, moments


def test_a_gap_is_bridged_by_true_time_and_the_ends_repeat_the_nearest() -> None:
    times = np.array([0.0, 1.0, 2.0, 5.0, 6.0, 7.0])
    values = np.array([[9], [0], [9], [9], [12], [9]], float)
    found = np.array([False, True, False, False, True, False])
    assert fill(values, found, times).ravel() == pytest.approx([0, 0, 2.4, 9.6, 12, 12])


def test_filling_is_numpys_interpolation_of_each_joint_alone() -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.1, 40))
    values, found = rng.normal(size=(40, 7, 2)), rng.random((40, 7)) < 0.4
    found[:, 3] = False
    filled = fill(values, found, times)
    for joint in range(7):
        for axis in range(2):
            there = found[:, joint]
            expected = np.zeros(40)
            if there.any():
                expected = np.interp(times, times[there], values[there, joint, axis])
            np.testing.assert_allclose(filled[:, joint, axis], expected, atol=1e-12)
    assert np.array_equal(filled[found], values[found])  # bit for bit


def test_moments_lie_on_the_line_between_frames() -> None:
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.01, 0.1, 30))
    values = rng.normal(size=(30, 4, 2))
    at = np.linspace(times[0], times[-1], 77)
    between = moments(times, at).between(values)
    for joint in range(4):
        for axis in range(2):
            expected = np.interp(at, times, values[:, joint, axis])
            np.testing.assert_allclose(between[:, joint, axis], expected, atol=1e-12)


def test_the_frames_themselves_are_returned_bit_for_bit() -> None:
    values = np.random.default_rng(2).normal(size=(5, 2))
    times = np.array([0.1, 0.2, 0.5, 0.6, 1.7])
    same = moments(times, times)
    assert np.array_equal(same.between(values), values)
    assert same.near.all() and same.nearest.tolist() == [0, 1, 2, 3, 4]


def test_a_moment_in_a_hole_has_no_near_frame() -> None:
    times = np.array([0.0, 0.1, 0.2, 1.0, 1.1])
    found = moments(times, np.arange(12) / 10)
    assert found.near.tolist() == [True] * 3 + [False] * 7 + [True] * 2
    assert found.nearest.tolist() == [0, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4]


def test_evenly_spread_frames_are_near_every_moment_faster_or_slower() -> None:
    times = np.round(np.arange(90) / 30, 3)  # milliseconds, as many tools write them
    for rate in (10, 24, 30, 50, 120):
        at = np.arange(int(times[-1] * rate) + 1) / rate
        assert moments(times, at).near.all()


def test_one_frame_is_near_itself() -> None:
    one = moments(np.array([3.0]), np.array([3.0]))
    assert one.near.all() and one.between(np.array([[7.0]])).tolist() == [[7.0]]
