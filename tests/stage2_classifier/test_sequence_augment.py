"""Random changes to sequences, each knob alone, against what it promises."""

from typing import Any

import numpy as np
import pytest

from pose_activity.annotations.skeleton import OPENPOSE18
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.stage2_classifier import sequence_augment
from pose_activity.stage2_classifier.options import SequenceAugment

OFF: dict[str, Any] = {"mirror": 0, "rotate": 0, "scale": 0, "speed": 0}
JOINTS = SequenceRecipe(frames=20, channels=("x", "y", "confidence", "valid"))
MAPS = SequenceRecipe(kind="maps", frames=6, width=9, height=11)
SHOWN = 14  # frames before the padding


def sequence(recipe: SequenceRecipe = JOINTS) -> np.ndarray:
    rng = np.random.default_rng(0)
    tensor = np.zeros(recipe.shape, recipe.dtype)
    if recipe.kind == "maps":
        tensor[:5] = rng.integers(1, 256, (5, *recipe.shape[1:]))
        return tensor
    tensor[:SHOWN, :, :2] = rng.normal(size=(SHOWN, 18, 2))
    tensor[:SHOWN, :, 2:] = 0.75, 1
    return tensor


def changed(tensor: np.ndarray, seed: int = 0, recipe=JOINTS, **knobs: float) -> np.ndarray:
    before = tensor.copy()
    after = sequence_augment.build(recipe, SequenceAugment(**{**OFF, **knobs}))(tensor, seed)
    np.testing.assert_array_equal(tensor, before)
    assert after.dtype == tensor.dtype and after.shape == tensor.shape
    return after


def test_all_off_changes_nothing():
    np.testing.assert_array_equal(changed(sequence()), sequence())


@pytest.mark.parametrize("recipe", [JOINTS, MAPS], ids=["joints", "maps"])
def test_draws_follow_from_the_seed(recipe):
    knobs = {"mirror": 0.5, "rotate": 20, "scale": 0.2, "shear": 5, "speed": 0.3}
    knobs |= {"time_warp": 0.3, "time_crop": 0.3, "frame_dropout": 0.2, "joint_dropout": 0.2}
    tensor = sequence(recipe)
    first, again = changed(tensor, 7, recipe, **knobs), changed(tensor, 7, recipe, **knobs)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, changed(tensor, 8, recipe, **knobs))


def test_mirror_swaps_sides():
    tensor, mirrored = sequence(), changed(sequence(), mirror=1)
    left, right = OPENPOSE18.index("left_knee"), OPENPOSE18.index("right_knee")
    nose = OPENPOSE18.index("nose")
    np.testing.assert_array_equal(mirrored[:, left, 0], -tensor[:, right, 0])
    np.testing.assert_array_equal(mirrored[:, left, 1:], tensor[:, right, 1:])
    np.testing.assert_array_equal(mirrored[:, nose, 0], -tensor[:, nose, 0])
    np.testing.assert_array_equal(changed(mirrored, mirror=1), tensor)


def test_mirror_of_maps():
    tensor, mirrored = sequence(MAPS), changed(sequence(MAPS), recipe=MAPS, mirror=1)
    left, right = OPENPOSE18.index("left_knee"), OPENPOSE18.index("right_knee")
    np.testing.assert_array_equal(mirrored[..., left], tensor[:, :, ::-1, right])


def test_rotation_and_scale_keep_the_figure():
    tensor = sequence()
    for seed in range(5):
        turned = changed(tensor, seed, rotate=30, scale=0.2)
        z, w = (t[:SHOWN, :, 0] + 1j * t[:SHOWN, :, 1] for t in (tensor, turned))
        factor = w / z
        np.testing.assert_allclose(factor, factor[0, 0], rtol=1e-4)
        assert abs(np.degrees(np.angle(factor[0, 0]))) <= 30
        assert 0.8 <= abs(factor[0, 0]) <= 1.2
        np.testing.assert_array_equal(turned[..., 2:], tensor[..., 2:])


def test_shear_slants_what_is_upright():
    tensor, slanted = sequence(), changed(sequence(), shear=20)
    np.testing.assert_allclose(slanted[..., 1:], tensor[..., 1:], rtol=1e-6)
    slant = (slanted[..., 0] - tensor[..., 0])[:SHOWN] / tensor[:SHOWN, :, 1]
    np.testing.assert_allclose(slant, slant[0, 0], rtol=1e-2, atol=1e-4)
    assert 0 < abs(slant[0, 0]) <= np.tan(np.radians(20))


def test_maps_turn_around_their_middle():
    tensor = np.zeros(MAPS.shape, np.uint8)
    tensor[:, 5, 4] = 255  # the middle of 11 x 9
    turned = changed(tensor, 3, MAPS, rotate=90)
    assert (turned[:, 5, 4] >= 250).all()
    tensor[:, 1, 4] = 255
    assert not np.array_equal(changed(tensor, 3, MAPS, rotate=90), tensor)


def test_noise_moves_found_joints():
    tensor = sequence()
    tensor[3, 5, 3] = 0
    shaken = changed(tensor, noise=0.1)
    moved = shaken[..., :2] - tensor[..., :2]
    assert not moved[3, 5].any() and not moved[SHOWN:].any()
    assert moved[:SHOWN].std() == pytest.approx(0.1, rel=0.1)
    np.testing.assert_array_equal(shaken[..., 2:], tensor[..., 2:])


def test_a_shift_is_the_same_in_all_frames():
    tensor = sequence()
    shifted = changed(tensor, joint_shift=0.1)
    moved = (shifted[..., :2] - tensor[..., :2])[:SHOWN]
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-6)
    assert moved[0].std() == pytest.approx(0.1, rel=0.3)
    np.testing.assert_array_equal(shifted[SHOWN:], tensor[SHOWN:])
    np.testing.assert_array_equal(shifted[..., 2:], tensor[..., 2:])


def test_a_view_from_elsewhere():
    """Seen from there, x' is x cos a + z sin a; z of left joints is that of right ones mirrored."""
    tensor = sequence()
    tensor[..., 0] = np.where(tensor[..., -1] > 0, 1, 0)
    turned = changed(tensor, yaw=30)[:SHOWN]
    nose, left, right = (
        turned[:, OPENPOSE18.index(n), 0] for n in ("nose", "left_hip", "right_hip")
    )
    angle = np.arccos(nose[0])
    assert 0 < np.degrees(angle) <= 30
    np.testing.assert_allclose(nose, nose[0])
    np.testing.assert_allclose(left + right, 2 * nose, rtol=1e-5)
    np.testing.assert_allclose(abs(left - nose), 0.18 * np.sin(angle), rtol=1e-3)
    np.testing.assert_array_equal(turned[..., 1:], tensor[:SHOWN, :, 1:])


@pytest.mark.parametrize("knob", ["yaw", "joint_shift", "noise"])
def test_what_moves_joints_is_not_for_maps(knob):
    with pytest.raises(ValueError, match=f"{knob} moves joints and must be 0 for maps.*: 0.1"):
        sequence_augment.build(MAPS, SequenceAugment(**{knob: 0.1}))


def ramp() -> np.ndarray:
    """A sequence in which x is the number of the frame."""
    tensor = np.zeros(JOINTS.shape, np.float32)
    tensor[:SHOWN, :, 0] = np.arange(SHOWN)[:, None]
    tensor[:SHOWN, :, 2:] = 1
    return tensor


def read_at(tensor: np.ndarray) -> np.ndarray:
    """The places at which the frames of a ramp were read."""
    return tensor[tensor[:, 0, -1] > 0, 0, 0]


def test_speed_is_even_and_pads_its_end():
    paces = []
    for seed in range(20):
        fast = changed(ramp(), seed, speed=0.4)
        places = read_at(fast)
        steps = np.diff(places)
        np.testing.assert_allclose(steps, steps[0], atol=1e-4)
        paces.append(steps[0])
        assert places.min() >= 0 and places.max() <= SHOWN - 1
        assert not fast[len(places) :].any()
        assert len(places) == min(20, int((SHOWN - 1 - places[0]) / steps[0] + 1e-4) + 1)
    assert 0.6 <= min(paces) < 0.8 and 1.2 < max(paces) <= 1.4


def test_a_slower_pace_sees_a_random_part():
    long = SequenceRecipe(frames=20)
    tensor = np.zeros(long.shape, np.float32)
    tensor[..., 0], tensor[..., 2] = np.arange(20)[:, None], 1
    augment = sequence_augment.build(long, SequenceAugment(**{**OFF, "speed": 0.5}))
    firsts = [read_at(augment(tensor, seed))[0] for seed in range(30)]
    assert min(firsts) == 0 and max(firsts) > 3


def test_time_warp_rises_unevenly():
    for seed in range(5):
        steps = np.diff(read_at(changed(ramp(), seed, time_warp=0.5)))
        assert (steps >= np.exp(-0.5) - 1e-4).all() and (steps <= np.exp(0.5) + 1e-4).all()
        assert steps.std() > 0.01


def test_time_crop_keeps_a_piece_at_its_pace():
    lengths, firsts = set(), set()
    for seed in range(30):
        places = read_at(changed(ramp(), seed, time_crop=0.5))
        assert (np.diff(places) == 1).all() and len(places) >= SHOWN / 2
        lengths.add(len(places))
        firsts.add(places[0])
    assert len(lengths) > 3 and len(firsts) > 3


def test_between_frames_a_joint_is_found_if_both_have_it():
    tensor = ramp()
    tensor[6, 2, 3] = 0
    slow = changed(tensor, 1, speed=0.3)
    at = slow[:, 0, 0]
    near = (np.abs(at - 6) < 1 - 1e-4) & (slow[:, 0, -1] > 0)
    np.testing.assert_array_equal(slow[:, 2, -1] == 0, near | (slow[:, 0, -1] == 0))


def test_dropped_frames_lie_between_their_neighbours():
    dropped = changed(ramp(), frame_dropout=0.4)
    lost = dropped[:SHOWN, 0, -1] == 0
    assert 0 < lost.sum() < SHOWN
    assert not dropped[:SHOWN][lost][..., 2:].any()
    kept = np.flatnonzero(~lost)
    inside = slice(kept[0], kept[-1] + 1)
    np.testing.assert_allclose(dropped[inside, 3, 0], np.arange(SHOWN)[inside], rtol=1e-6)
    assert not dropped[SHOWN:].any()


def test_dropped_frames_are_zeros_where_gaps_are():
    recipe = SequenceRecipe(frames=20, gaps="zero", channels=JOINTS.channels)
    dropped = changed(ramp(), recipe=recipe, frame_dropout=0.4)
    lost = dropped[:, 0, -1] == 0
    assert lost[:SHOWN].any() and not dropped[lost].any()


def test_dropped_joints_are_gone_for_the_window():
    dropped = changed(sequence(), joint_dropout=0.3)
    lost = ~dropped.any(axis=(0, 2))
    assert 0 < lost.sum() < 18
    np.testing.assert_array_equal(dropped[:, ~lost], sequence()[:, ~lost])


def test_somebody_is_always_left():
    np.testing.assert_array_equal(changed(sequence(), joint_dropout=1), sequence())
    maps = sequence(MAPS)
    np.testing.assert_array_equal(changed(maps, recipe=MAPS, frame_dropout=1), maps)


def test_dropout_of_maps():
    dropped = changed(sequence(MAPS), 4, MAPS, frame_dropout=0.5)
    gone = ~dropped.any(axis=(1, 2, 3))
    assert 1 < gone.sum() < 6
    np.testing.assert_array_equal(dropped[~gone], sequence(MAPS)[~gone])
