"""Masks are resized by votes."""

import numpy as np

from pose_activity.annotations.part_masks import colour_mask, resize_ids
from pose_activity.annotations.parts import IGNORE, PARTS9


def test_shrinking_is_a_vote_of_areas():
    """Against a slow double loop that counts the pixels of each block."""
    ids = np.random.default_rng(0).choice([0, 3, 8, IGNORE], (12, 20)).astype(np.uint8)
    small = resize_ids(ids, (5, 3))
    for y in range(3):
        for x in range(5):
            block = np.bincount(ids[4 * y : 4 * y + 4, 4 * x : 4 * x + 4].ravel(), minlength=256)
            assert small[y, x] == block.argmax()


def test_no_number_is_made_up_between_two():
    """Between background 0 and foot 8 the published code made 4, a hand."""
    ids = np.zeros((31, 47), np.uint8)
    ids[10:25, 9:30] = 8
    for size in ((13, 9), (47, 9), (90, 70), (60, 20), (47, 31)):
        resized = resize_ids(ids, size)
        assert resized.shape == size[::-1] and {*np.unique(resized)} == {0, 8}
        assert abs(resized.mean() - ids.mean()) < 0.25


def test_colours():
    ids = np.array([[0, 1, IGNORE]], np.uint8)
    assert colour_mask(ids, PARTS9).tolist() == [[[0, 0, 0], [128, 64, 0], [0, 0, 0]]]
