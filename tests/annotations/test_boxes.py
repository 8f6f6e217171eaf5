"""Overlap against counted pixels."""

import numpy as np
import pytest

from pose_activity.annotations.boxes import iou


def test_overlap_is_that_of_counted_pixels() -> None:
    rng = np.random.default_rng(0)
    corners = np.sort(rng.integers(0, 30, (6, 2, 2)), axis=1)
    boxes = np.hstack([corners[:, 0], corners[:, 1] + 1]).astype(np.float32)
    masks = np.zeros((6, 40, 40), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
        mask[y1:y2, x1:x2] = True
    slow = [[(a & b).sum() / (a | b).sum() for b in masks] for a in masks]
    assert iou(boxes, boxes) == pytest.approx(np.array(slow))
    assert iou(boxes[:0], boxes).shape == (0, 6)


def test_iou_is_its_definition() -> None:
    """Against counting pixels."""
    rng = np.random.default_rng(1)
    low = rng.integers(0, 20, (6, 2))
    boxes = np.hstack([low, low + rng.integers(0, 12, (6, 2))]).astype(np.float32)
    areas = np.zeros((6, 40, 40), bool)
    for area, (x1, y1, x2, y2) in zip(areas, boxes.astype(int).tolist(), strict=True):
        area[y1:y2, x1:x2] = True
    both = (areas[:3, None] & areas[None, 3:]).sum((2, 3))
    either = (areas[:3, None] | areas[None, 3:]).sum((2, 3))
    np.testing.assert_allclose(iou(boxes[:3], boxes[3:]), both / np.maximum(either, 1), atol=1e-6)
