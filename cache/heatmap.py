"""Keypoints into one plane.

In come float32 keypoints `(N, K, 3)` in the plane's own pixels (v = 0 is missing, and not drawn),
out goes `(H, W)` uint8. Knows nothing of pictures.
"""

import cv2
import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.cache.options import Style

_SHIFT = 4  # OpenCV draws in 1/16 pixels
_REACH = 3  # a Gaussian is cut at three sigma


def draw(
    keypoints: np.ndarray, skeleton: Skeleton, shape_hw: tuple[int, int], style: Style
) -> np.ndarray:
    """Draws people.

    Args:
        keypoints: `(N, K, 3)` float32 in the plane's pixels.
        skeleton: Names the K joints and the bones between them.
        shape_hw: (height, width) of the plane.
        style: See `cache.options.Style`.

    Returns:
        `(height, width)` uint8; zero where no person is.
    """
    plane = np.zeros(shape_hw, np.uint8)
    seen = keypoints[..., 2] > max(style.min_confidence, 0)
    if style.style == "gaussian":
        for x, y, v in keypoints[seen].tolist():
            _stamp(plane, x, y, v, style.sigma)
        return plane
    # Far outside points would overflow OpenCV's 16.4 fixed point; a bone to one still leaves the
    # plane in nearly its direction.
    limit = 8 * max(shape_hw)
    fixed = np.round(keypoints[..., :2].clip(-limit, limit) * (1 << _SHIFT)).astype(np.int32)
    for points, visible in zip(fixed.tolist(), seen.tolist(), strict=True):
        for a, b in skeleton.bone_index:
            if visible[a] and visible[b]:
                cv2.line(
                    plane,
                    points[a],
                    points[b],
                    style.bone_value,
                    style.bone_width,
                    cv2.LINE_8,
                    _SHIFT,
                )
    # All joints after all bones: the later person's bones never hide an earlier one's joints.
    radius = style.joint_radius << _SHIFT
    for point in fixed[seen].tolist():
        cv2.circle(plane, point, radius, style.joint_value, cv2.FILLED, cv2.LINE_8, _SHIFT)
    return plane


def _stamp(plane: np.ndarray, x: float, y: float, v: float, sigma: float) -> None:
    """Writes max(plane, 255 v exp(-d^2 / (2 sigma^2))) around (x, y), in place."""
    height, width = plane.shape
    reach = int(np.ceil(_REACH * sigma))
    left, right = max(0, round(x) - reach), min(width, round(x) + reach + 1)
    top, bottom = max(0, round(y) - reach), min(height, round(y) + reach + 1)
    if left >= right or top >= bottom:
        return
    across = np.exp(-((np.arange(left, right) - x) ** 2) / (2 * sigma**2))
    down = np.exp(-((np.arange(top, bottom) - y) ** 2) / (2 * sigma**2))
    blob = np.rint(255 * v * down[:, None] * across[None]).astype(np.uint8)
    patch = plane[top:bottom, left:right]
    np.maximum(patch, blob, out=patch)
