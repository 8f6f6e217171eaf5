"""Arithmetic of boxes: float32 `(N, 4)`, x1, y1, x2, y2 in pixels."""

import numpy as np


def iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the intersection over union of `(N, 4)` boxes with `(M, 4)` others: `(N, M)`."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    areas, other_areas = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, others))
    union = areas[:, None] + other_areas[None] - shared
    return shared / np.maximum(union, np.finfo(np.float32).tiny)
