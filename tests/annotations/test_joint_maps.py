"""Joint maps against the formula, pixel by pixel."""

import math

import numpy as np
import pytest

from pose_activity.annotations.joint_maps import joint_maps


def test_a_map_is_the_formula_at_each_pixel() -> None:
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(-4, 20, (3, 4, 3)).astype(np.float32)
    keypoints[..., 2] = rng.uniform(0, 1, (3, 4))
    keypoints[1, 2] = 0
    maps = joint_maps(keypoints, (15, 11), sigma=2.5)
    assert maps.dtype == np.float32 and maps.shape == (4, 11, 15)
    for joint in range(4):
        for row in range(11):
            for column in range(15):
                values = [
                    v * math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * 2.5**2))
                    for x, y, v in keypoints[:, joint].tolist()
                ]
                assert maps[joint, row, column] == pytest.approx(max(values), abs=1e-6)


def test_a_missing_joint_and_nobody_are_not_drawn() -> None:
    keypoints = np.zeros((1, 2, 3), np.float32)
    keypoints[0, 0] = 3, 2, 1
    maps = joint_maps(keypoints, (6, 5), sigma=1)
    assert maps[0, 2, 3] == 1 and not maps[1].any()
    assert not joint_maps(keypoints[:0], (6, 5), sigma=1).any()


@pytest.mark.parametrize(
    ("shape", "size_wh", "sigma", "message"),
    [
        ((2, 3), (4, 4), 1.0, r"keypoints must be \(N, K, 3\). Received: \(2, 3\)"),
        ((1, 2, 2), (4, 4), 1.0, r"keypoints must be \(N, K, 3\)"),
        ((1, 2, 3), (0, 4), 1.0, r"A map must have pixels, .* Received: \(0, 4\), sigma 1"),
        ((1, 2, 3), (4, 4), 0.0, "sigma be above 0. Received: .* sigma 0"),
    ],
)
def test_what_is_no_map_is_refused(
    shape: tuple[int, ...], size_wh: tuple[int, int], sigma: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        joint_maps(np.zeros(shape, np.float32), size_wh, sigma=sigma)
