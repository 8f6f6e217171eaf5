"""Images and masks that are changed together."""

from dataclasses import replace

import numpy as np
import pytest

from pose_activity.annotations.parts import IGNORE, PARTS9, PARTS15, PASCAL7, swap_sides
from pose_activity.cache.parts import PartsRecipe
from pose_activity.cache.record import Example
from pose_activity.stage1_parts import augment
from pose_activity.stage1_parts.options import PartsAugment

STILL = PartsAugment(
    mirror=0,
    rotate=0,
    smallest=1,
    largest=1,
    stretch=0,
    on_people=0,
    brightness=0,
    contrast=0,
    saturation=0,
    tint=0,
    bones_dropout=0,
)
TARGETS = tuple((number,) for number in range(15))


def changed(example, options, *, planes=("rgb", "bones"), seed=0):
    change = augment.build(planes, scheme=PARTS15, targets=TARGETS, options=options)
    return change(example, seed)


@pytest.fixture
def example():
    """Colours that tell the part: red is ten times its number; bones say the same."""
    y = np.zeros((40, 48), np.uint8)
    y[5:35, 6:20], y[10:30, 26:40] = PARTS15.index("left_thigh"), PARTS15.index("right_hand")
    rgb = np.dstack([10 * y, np.full_like(y, 60), np.full_like(y, 90)])
    return Example(np.dstack([rgb, y]), y)


def mask_of(example: Example) -> np.ndarray:
    assert example.y is not None
    return example.y


def test_image_mask_and_bones_move_together(example):
    options = PartsAugment(
        brightness=0, contrast=0, saturation=0, tint=0, bones_dropout=0, mirror=0
    )
    for seed in range(8):
        out = changed(example, options, seed=seed)
        y = mask_of(out)
        assert out.x.dtype == np.uint8 and y.shape == (40, 48)
        known = y != IGNORE
        right = np.abs(out.x[..., 0].astype(int) - 10 * y.astype(int)) <= 5
        assert right[known].mean() > 0.8, "but for interpolated borders"
        assert (out.x[..., 3] == y)[known].all()
        assert set(np.unique(y)) <= {0, 4, 12, IGNORE}


def test_a_mirrored_image_has_its_sides_swapped(example):
    out = changed(example, replace(STILL, mirror=1.0))
    y, centred = mask_of(out), mask_of(changed(example, STILL))
    assert (y == PARTS15.index("right_thigh")).any()
    assert not (y == PARTS15.index("left_thigh")).any()
    swapped = swap_sides(centred, PARTS15)[centred != IGNORE]
    assert np.array_equal(np.unique(out.x[..., 3]), np.unique(swapped))
    assert mask_of(example).shape == y.shape


def test_what_lies_beyond_the_picture_is_not_learned(example):
    out = changed(example, replace(STILL, smallest=0.5, largest=1.0001), seed=3)
    outside = out.y == IGNORE
    assert outside.any() and (out.x[outside][:, :3] == 114).mean() > 0.9


def test_the_same_seed_changes_alike_and_another_otherwise(example):
    first, again, other = (changed(example, PartsAugment(), seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first.x, again.x) and np.array_equal(mask_of(first), mask_of(again))
    assert not np.array_equal(first.x, other.x)


def test_bones_are_left_out_as_often_as_asked(example):
    blank = [
        not changed(example, replace(STILL, bones_dropout=0.3), seed=seed).x[..., 3].any()
        for seed in range(200)
    ]
    assert 0.2 < np.mean(blank) < 0.4


def test_targets_of_several_levels_have_their_mirror_images():
    recipe = PartsRecipe(scheme=PARTS15, labelled=(PASCAL7, PARTS9))
    table = augment.mirrored_targets(PARTS15, recipe.targets)
    assert np.array_equal(table[:15], PARTS15.flip_index)
    assert np.array_equal(table[15 : len(recipe.targets)], np.arange(15, len(recipe.targets)))
    assert table[IGNORE] == IGNORE


def test_a_target_without_a_mirror_image_is_refused():
    only = (*TARGETS, (2, 3))
    with pytest.raises(ValueError, match="mirror image must be a target.*right_upper_arm"):
        augment.mirrored_targets(PARTS15, only)
