"""The rules for part masks."""

import cv2
import numpy as np
import pytest

from pose_activity.annotations.cleaning.part_rules import (
    fit_to_image,
    legs_upside_down,
    remove_background,
    resolve_unknown,
    unknown_share,
    without_islands,
)
from pose_activity.annotations.colour_table import table_of
from pose_activity.annotations.parts import IGNORE, PARTS9, PARTS15, PASCAL7, UNKNOWN
from pose_activity.annotations.raw_parts import RawMask
from pose_activity.annotations.synthetic.parts import draw

COLOURS = np.array(PARTS15.colours, np.uint8)
SIZE = 160, 120


def shrunk(seed: int) -> tuple[RawMask, np.ndarray]:
    """Renders a drawn mask in colours at 3x and shrinks it: mixed colours, and the nine it had."""
    _, big = draw((3 * SIZE[0], 3 * SIZE[1]), np.random.default_rng([9, seed]))
    image = cv2.resize(COLOURS[big], SIZE, interpolation=cv2.INTER_AREA)
    table = table_of(PARTS15)
    blocks = big.reshape(SIZE[1], 3, SIZE[0], 3).transpose(0, 2, 1, 3).reshape(*SIZE[::-1], 9)
    return RawMask(table.decode(image), image, table), blocks


def test_mixed_colours_become_one_of_their_two_classes():
    """At least 98 % do; the published code made them background, holes between all parts."""
    mixed = true = two = true_of_two = most = 0
    for seed in range(6):
        raw, blocks = shrunk(seed)
        there = raw.ids == UNKNOWN
        ids = resolve_unknown(raw, "neighbours")
        counts = (blocks[..., None] == np.arange(15)).sum(axis=2)
        right = np.take_along_axis(counts, ids[..., None].astype(int), axis=2)[..., 0]
        pairs = there & ((counts > 0).sum(axis=2) == 2)
        mixed, true = mixed + there.sum(), true + (right[there] > 0).sum()
        two, true_of_two = two + pairs.sum(), true_of_two + (right[pairs] > 0).sum()
        most += (right[there] == counts.max(axis=2)[there]).sum()
        assert np.array_equal(ids[~there], raw.ids[~there]) and ids.max() < 15
    assert mixed > 2000
    assert true / mixed > 0.995 and true_of_two / two > 0.998 and most / mixed > 0.96


def test_numbers_alone_are_filled_from_the_rim_inward():
    ids = np.zeros((9, 12), np.uint8)
    ids[:, 6:] = 8
    ids[2:7, 3:10] = UNKNOWN
    filled = resolve_unknown(RawMask(ids), "neighbours")
    assert (
        {*np.unique(filled)} == {0, 8} and (filled[:, :5] == 0).all() and (filled[:, 8:] == 8).all()
    )
    ignored = resolve_unknown(RawMask(ids), "ignore")
    assert np.array_equal(ignored == IGNORE, ids == UNKNOWN)
    assert unknown_share(ids) == pytest.approx(35 / 108)


def test_masks_of_another_size():
    ids = np.zeros((60, 80), np.uint8)
    ids[20:40, 20:40] = 8
    large = fit_to_image(ids, (160, 120))
    assert large is not None and (large[40:80, 40:80] == 8).all() and large.mean() == ids.mean()
    assert fit_to_image(ids, (161, 120)) is not None, "rounded"
    assert fit_to_image(ids, (120, 160)) is None and fit_to_image(ids, (160, 130)) is None


def test_islands_and_pinholes_go():
    ids = np.zeros((40, 50), np.uint8)
    ids[10:30, 10:30] = 8
    ids[15, 15] = 0  # a hole
    ids[5, 40:42] = 3  # a speck
    ids[2:5, 2:5] = 4  # of 9 pixels
    clean = without_islands(ids, 5 / ids.size)
    assert clean[15, 15] == 8 and (clean[5] == 0).all() and (clean[2:5, 2:5] == 4).all()
    assert not (without_islands(ids, 10 / ids.size) == 4).any()
    assert np.array_equal(without_islands(ids, 0), ids)


def test_legs_upside_down():
    ids = np.zeros((40, 20), np.uint8)
    ids[10:20, 5:15], ids[20:30, 5:15] = (
        PARTS15.index("left_thigh"),
        PARTS15.index("left_lower_leg"),
    )
    assert legs_upside_down(ids, PARTS15) is False
    assert legs_upside_down(ids[::-1], PARTS15) is True
    assert legs_upside_down(ids[:21], PARTS15) is None
    for scheme, thigh in ((PARTS9, "thigh"), (PASCAL7, "upper_leg")):
        ids[10:20, 5:15], ids[20:30, 5:15] = scheme.index(thigh), scheme.index("lower_leg")
        assert legs_upside_down(ids[::-1], scheme) is True


def test_background_becomes_black():
    image = np.full((4, 6, 3), 9, np.uint8)
    person = np.zeros((2, 3), bool)
    person[0, 0] = True
    assert remove_background(image, person)[:2, :2].min() == 9
    assert remove_background(image, person).sum() == 4 * 3 * 9
