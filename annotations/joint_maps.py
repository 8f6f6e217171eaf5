"""Joints as heat maps, one plane per joint: pure arithmetic.

In come keypoints in the plane's own pixels, where pixel (0, 0) has its middle at x = y = 0. The
drawing in one plane, which stage 2 sees beside a picture, is `cache.heatmap`.
"""

import numpy as np


def joint_maps(keypoints: np.ndarray, size_wh: tuple[int, int], *, sigma: float) -> np.ndarray:
    """Draws a Gaussian at each joint, `v exp(-d^2 / (2 sigma^2))`; where people meet, the maximum.

    Args:
        keypoints: `(N, K, 3)` x, y in pixels of the maps and v in [0, 1]; a joint with v = 0 is not
            drawn, one outside the maps reaches in as far as its blob does. N may be 0.
        size_wh: (width, height) of a map.
        sigma: In pixels.

    Returns:
        `(K, height, width)` float32 in [0, 1].

    Raises:
        ValueError: another shape of keypoints, an empty map, or a sigma that is not above 0.
    """
    if keypoints.ndim != 3 or keypoints.shape[2] != 3:
        raise ValueError(f"keypoints must be (N, K, 3). Received: {keypoints.shape}")
    width, height = size_wh
    if min(width, height) < 1 or not 0 < sigma < np.inf:
        raise ValueError(
            f"A map must have pixels, and sigma be above 0. Received: {size_wh}, sigma {sigma}"
        )
    x, y, v = np.moveaxis(keypoints.astype(np.float32), 2, 0)
    # A Gaussian of two variables is the product of two of one.
    across = _bell(np.arange(width, dtype=np.float32) - x[..., None], sigma)
    down = _bell(np.arange(height, dtype=np.float32) - y[..., None], sigma) * v[..., None]
    maps = np.zeros((keypoints.shape[1], height, width), np.float32)
    for rows, columns in zip(down, across, strict=True):
        np.maximum(maps, rows[:, :, None] * columns[:, None, :], out=maps)
    return maps


def _bell(distance: np.ndarray, sigma: float) -> np.ndarray:
    return np.exp(-((distance / np.float32(sigma)) ** 2) / 2)
