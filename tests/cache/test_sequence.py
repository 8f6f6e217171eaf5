"""`make` against a slow double loop, under what must not matter, and on clips that lack things."""

import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.convert import to_openpose18
from pose_activity.annotations.joint_maps import joint_maps
from pose_activity.annotations.skeleton import COCO17, OPENPOSE18
from pose_activity.cache.sequence import ShortClip, make
from pose_activity.cache.sequence_recipe import SequenceRecipe
from tests.cache.fakes import FPS, clip_of, keypoints_of, walk

NECK, NOSE, KNEE = (OPENPOSE18.index(name) for name in ("neck", "nose", "left_knee"))
HIPS = [OPENPOSE18.index(name) for name in ("left_hip", "right_hip")]
SLIDING = SequenceRecipe(frames=20, windows="sliding", stride=8)
KINDS = [
    SequenceRecipe(frames=20),
    replace(SLIDING, gaps="zero", scale="frame"),
    replace(SLIDING, centre="clip", channels=("x", "y", "confidence", "valid")),
    SequenceRecipe(frames=16, windows="whole"),
    replace(SLIDING, rate=18.0),
    replace(SLIDING, kind="maps"),
    replace(SLIDING, kind="maps", centre="clip", scale="frame"),
]


def slow(clip: Clip, recipe: SequenceRecipe) -> list[list[list[list[float]]]]:
    """All frames as nested lists of x, y, confidence, valid; where the neck is always found."""
    assert clip.keypoints is not None and clip.times is not None
    points, times = clip.keypoints.astype(float).tolist(), clip.times.tolist()

    def at(frame: int, joint: int, axis: int) -> float:
        there = [n for n in range(len(points)) if points[n][joint][2] > 0]
        before = [n for n in there if n <= frame]
        after = [n for n in there if n >= frame]
        if not there:
            return 0.0
        if not before or not after:
            return points[after[0] if after else before[-1]][joint][axis]
        a, b = before[-1], after[0]
        share = (times[frame] - times[a]) / (times[b] - times[a]) if b > a else 0
        return points[a][joint][axis] * (1 - share) + points[b][joint][axis] * share

    torsos = {}
    for frame, joints in enumerate(points):
        if all(joints[hip][2] > 0 for hip in HIPS):
            x, y = (sum(joints[hip][axis] for hip in HIPS) / 2 for axis in (0, 1))
            torsos[frame] = ((joints[NECK][0] - x) ** 2 + (joints[NECK][1] - y) ** 2) ** 0.5
    made = []
    for frame, joints in enumerate(points):
        row = []
        for joint in range(len(joints)):
            valid = joints[joint][2] > 0
            value = [0.0, 0.0]
            if valid or recipe.gaps == "interpolate":
                ever = any(p[joint][2] > 0 for p in points)
                unit = torsos[frame] if recipe.scale == "frame" else median(torsos.values())
                neck = [
                    joints[NECK][axis]
                    if recipe.centre == "frame"
                    else median(p[NECK][axis] for p in points)
                    for axis in (0, 1)
                ]
                value = [(at(frame, joint, a) - neck[a]) / unit if ever else 0.0 for a in (0, 1)]
            row.append([*value, joints[joint][2], float(valid)])
        made.append(row)
    return made


@pytest.mark.parametrize("gaps", ["interpolate", "zero"])
@pytest.mark.parametrize("centre", ["frame", "clip"])
@pytest.mark.parametrize("scale", ["frame", "clip"])
def test_it_is_the_slow_double_loop(gaps: str, centre: str, scale: str) -> None:
    keypoints = keypoints_of(45, seed=3)
    lost = np.random.default_rng(0).random(keypoints.shape[:2]) < 0.3
    lost[:, [NECK, *(HIPS if scale == "frame" else [])]] = False
    lost[:, KNEE] = True
    keypoints[lost] = 0
    times = np.cumsum(np.random.default_rng(1).uniform(0.02, 0.06, 45))
    clip = clip_of(keypoints, times=times)
    recipe = replace(SLIDING, gaps=gaps, centre=centre, scale=scale)
    expected = np.array(slow(clip, recipe))
    columns = ("x", "y", "confidence", "valid")
    for channels in (columns, ("x", "y", "valid")):
        kept = expected[..., [columns.index(name) for name in channels]]
        windows = make(clip, replace(recipe, channels=channels))
        assert windows.starts.tolist() == [0, 8, 16, 24, 25]
        assert np.array_equal(windows.seconds, times[windows.starts])
        for start, tensor in zip(windows.starts, windows.tensors, strict=True):
            np.testing.assert_allclose(tensor, kept[start : start + 20], rtol=1e-5, atol=1e-6)


def changed(clip: Clip, scale: float, shift: tuple[float, float]) -> Clip:
    """A clip filmed from elsewhere."""
    assert clip.keypoints is not None
    keypoints = clip.keypoints.copy()
    there = keypoints[..., 2] > 0
    keypoints[there, :2] = keypoints[there, :2] * scale + np.array(shift, np.float32)
    return replace(clip, keypoints=keypoints)


def assert_alike(a: np.ndarray, b: np.ndarray) -> None:
    if a.dtype == np.uint8:
        assert np.abs(a.astype(int) - b).max() <= 1
    else:
        np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.parametrize("recipe", KINDS)
def test_place_and_size_in_the_picture_do_not_matter(recipe: SequenceRecipe) -> None:
    clip = walk(50, lost=0.2)
    there = make(changed(clip, 2.5, (300, -40)), recipe)
    here = make(clip, recipe)
    assert here.tensors.any() and np.array_equal(here.starts, there.starts)
    assert_alike(here.tensors, there.tensors)


@pytest.mark.parametrize("recipe", KINDS)
def test_a_mirrored_clip_gives_mirrored_tensors(recipe: SequenceRecipe) -> None:
    clip = walk(50, lost=0.2)
    assert clip.keypoints is not None
    keypoints = clip.keypoints[:, list(OPENPOSE18.flip_index)]
    keypoints[..., 0] = np.where(keypoints[..., 2] > 0, 640 - keypoints[..., 0], 0)
    there = make(replace(clip, keypoints=keypoints), recipe).tensors
    flip = list(OPENPOSE18.flip_index)
    if recipe.kind == "maps":
        expected = make(clip, recipe).tensors[..., ::-1, :][..., flip]
    else:
        expected = make(clip, recipe).tensors[..., flip, :]
        expected[..., 0] *= -1
    assert_alike(there, expected)


@pytest.mark.parametrize("recipe", [r for r in KINDS if r.windows == "sliding"])
def test_a_frame_is_the_same_in_whichever_window(recipe: SequenceRecipe) -> None:
    clip = walk(50, lost=0.2)
    sliding = make(clip, recipe).tensors
    assert np.array_equal(sliding[0][8:], sliding[1][:-8])
    first = make(clip, replace(recipe, windows="first"))
    assert np.array_equal(first.tensors, sliding[:1]) and first.starts.tolist() == [0]


def test_one_origin_keeps_the_path_and_nothing_else_differs() -> None:
    clip = walk(40)
    assert clip.keypoints is not None
    each = make(clip, SequenceRecipe(frames=40)).tensors[0]
    one = make(clip, SequenceRecipe(frames=40, centre="clip")).tensors[0]
    assert not each[:, NECK, :2].any()
    path = (one - each)[..., :2]
    np.testing.assert_allclose(path, np.repeat(path[:, :1], 18, axis=1), atol=1e-5)
    neck = clip.keypoints[:, NECK, :2] - np.median(clip.keypoints[:, NECK, :2], axis=0)
    unit = np.linalg.norm(path[-1, 0]) / np.linalg.norm(neck[-1])
    np.testing.assert_allclose(path[:, 0], neck * unit, atol=1e-5)


def test_a_missed_joint_lies_between_its_neighbours_not_at_the_corner() -> None:
    keypoints = keypoints_of(30)
    whole = make(clip_of(keypoints), SequenceRecipe(frames=30)).tensors[0]
    holes = keypoints.copy()
    holes[10:12, KNEE] = 0  # both neighbours of each other
    filled = make(clip_of(holes), SequenceRecipe(frames=30)).tensors[0]
    assert filled[10:12, KNEE, 2].tolist() == [0, 0]
    lost = np.zeros((30, 18), bool)
    lost[10:12, KNEE] = True
    assert np.array_equal(filled[~lost], whole[~lost])  # nothing else moved
    straight = keypoints[9, KNEE, :2] + (keypoints[12, KNEE, :2] - keypoints[9, KNEE, :2]) / 3
    unit = np.median(torsos(keypoints))
    expected = (straight - keypoints[10, NECK, :2]) / unit
    np.testing.assert_allclose(filled[10, KNEE, :2], expected, atol=1e-5)
    zero = make(clip_of(holes), SequenceRecipe(frames=30, gaps="zero")).tensors[0]
    assert not zero[10:12, KNEE].any() and np.array_equal(zero[~lost], whole[~lost])


def torsos(keypoints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(keypoints[:, NECK, :2] - keypoints[:, HIPS, :2].mean(axis=1), axis=1)


def test_one_stray_torso_changes_no_other_frame() -> None:
    keypoints = keypoints_of(31)
    stray = keypoints.copy()
    stray[10, HIPS, 1] += 200
    calm, shaken = (
        make(clip_of(k), SequenceRecipe(frames=31, scale="clip")).tensors[0]
        for k in (keypoints, stray)
    )
    others = np.arange(31) != 10
    np.testing.assert_allclose(shaken[others], calm[others], rtol=0.02)
    jittery = make(clip_of(stray), SequenceRecipe(frames=31, scale="frame")).tensors[0]
    assert abs(jittery[10, NOSE, 1] / calm[10, NOSE, 1]) < 0.5


def test_a_joint_that_is_never_seen_stays_zero_and_moves_no_other() -> None:
    keypoints = keypoints_of(20)
    whole = make(clip_of(keypoints), SequenceRecipe(frames=20)).tensors[0]
    keypoints[:, KNEE] = 0
    without = make(clip_of(keypoints), SequenceRecipe(frames=20)).tensors[0]
    assert not without[:, KNEE].any()
    others = np.arange(18) != KNEE
    assert np.array_equal(without[:, others], whole[:, others])


def test_a_short_clip_is_padded_and_masked_or_refused() -> None:
    clip = walk(12)
    windows = make(clip, SLIDING)
    assert windows.tensors.shape == (1, 20, 18, 3)
    long = make(clip, replace(SLIDING, frames=12)).tensors
    assert np.array_equal(windows.tensors[:, :12], long) and not windows.tensors[:, 12:].any()
    message = "person00/walk: .* at least 20 frames.*Received: 12. Leave it out, or .* 'pad'"
    for refusing in (replace(SLIDING, short="error"), SequenceRecipe(frames=20, short="error")):
        with pytest.raises(ShortClip, match=message):
            make(clip, refusing)
    assert len(make(walk(20), replace(SLIDING, short="error")).tensors) == 1
    whole = SequenceRecipe(frames=20, windows="whole")
    assert make(clip, whole).tensors[0, :, NECK, 2].all()
    with pytest.raises(ShortClip, match="Received: 12"):
        make(clip, replace(whole, short="error"))


@pytest.mark.parametrize("recipe", KINDS)
def test_frames_without_a_person_are_filled_in_and_masked(recipe: SequenceRecipe) -> None:
    keypoints = keypoints_of(40)
    keypoints[:4] = keypoints[10:13] = keypoints[37:] = 0
    windows = make(clip_of(keypoints), recipe)
    assert windows.starts[0] == 4 and windows.seconds[0] == 4 / FPS
    tensor = windows.tensors[0]
    if recipe.windows == "whole" or recipe.rate is not None:
        assert np.isfinite(tensor).all()
        return
    if recipe.kind == "maps":
        assert not tensor[6:9].any() and tensor[:6].any((1, 2, 3)).all()
        return
    assert not tensor[6:9, :, -1].any() and tensor[:6, :, -1].all() and tensor[9:, :, -1].all()
    assert tensor[6:9, NOSE, :2].any() == (recipe.gaps == "interpolate")


@pytest.mark.parametrize("recipe", KINDS)
@pytest.mark.parametrize("frames", [0, 30])
def test_a_clip_without_anybody_has_no_window(recipe: SequenceRecipe, frames: int) -> None:
    empty = clip_of(np.zeros((frames, 18, 3), np.float32))
    windows = make(empty, recipe)
    assert windows.tensors.shape == (0, *recipe.shape)
    assert windows.tensors.dtype == recipe.dtype
    assert len(windows.starts) == len(windows.seconds) == 0
    with pytest.raises(ShortClip, match="Received: 0"):
        make(empty, replace(recipe, short="error"))


def test_a_window_in_a_long_hole_is_left_out() -> None:
    keypoints = keypoints_of(100)
    keypoints[10:90] = 0
    windows = make(clip_of(keypoints), replace(SLIDING, stride=20))
    assert windows.starts.tolist() == [0, 80]
    assert windows.tensors[1, 10:, :, 2].all() and not windows.tensors[1, :10, :, 2].any()


@pytest.mark.parametrize("recipe", KINDS)
def test_one_frame_is_a_clip(recipe: SequenceRecipe) -> None:
    tensors = make(clip_of(keypoints_of(1)), recipe).tensors
    assert len(tensors) == 1 and np.isfinite(tensors).all()
    shown = tensors[0].reshape(len(tensors[0]), -1).any(axis=1)
    assert shown.tolist() == [recipe.windows == "whole" or n == 0 for n in range(len(shown))]


def test_a_rate_goes_by_true_time() -> None:
    """A body that glides evenly, filmed with stutters: after resampling it glides evenly."""
    times = np.array([0, 0.04, 0.11, 0.14, 0.2, 0.24, 0.30, 0.34, 0.4])
    keypoints = np.repeat(keypoints_of(1), len(times), axis=0)
    keypoints[..., 0] += (500 * times)[:, None].astype(np.float32)
    recipe = SequenceRecipe(frames=9, rate=20.0, centre="clip")
    windows = make(clip_of(keypoints, times=times), recipe)
    path = windows.tensors[0, :, NECK, 0]
    np.testing.assert_allclose(np.diff(path), np.diff(path)[0], rtol=1e-4)
    assert windows.tensors[0, :, :, 2].all()
    raw = make(clip_of(keypoints, times=times), replace(recipe, rate=None))
    assert np.ptp(np.diff(raw.tensors[0, :, NECK, 0])) > 0.1


def test_frames_in_a_hole_of_the_recording_are_not_valid() -> None:
    times = np.array([0, 0.04, 0.08, 0.12, 0.52, 0.56, 0.6])
    clip = clip_of(keypoints_of(7), times=times)
    valid = make(clip, SequenceRecipe(frames=16, rate=25.0)).tensors[0, :, :, 2]
    assert (valid == valid[:, :1]).all()
    assert valid[:, 0].tolist() == [1] * 4 + [0] * 9 + [1] * 3
    windows = make(clip, SequenceRecipe(frames=2, stride=2, windows="sliding", rate=25.0))
    assert windows.starts.tolist() == [0, 2, 4, 5]  # rows of the clip
    np.testing.assert_allclose(windows.seconds, [0, 0.08, 0.48, 0.56])


def test_the_whole_clip_is_resampled_evenly_in_time() -> None:
    times = np.array([0, 0.1, 0.2, 0.3, 0.5])
    keypoints = np.repeat(keypoints_of(1), 5, axis=0)
    keypoints[..., 0] += (100 * times)[:, None].astype(np.float32)
    whole = SequenceRecipe(frames=11, windows="whole", centre="clip")
    path = make(clip_of(keypoints, times=times), whole).tensors[0, :, NECK, 0]
    np.testing.assert_allclose(np.diff(path), np.diff(path)[0], rtol=1e-4)


def test_weak_joints_are_missing() -> None:
    keypoints = keypoints_of(20)
    weak = keypoints[..., 2] < 0.5
    recipe = SequenceRecipe(frames=20, channels=("x", "y", "confidence", "valid"))
    lost = keypoints.copy()
    lost[weak] = 0
    expected = make(clip_of(lost), recipe).tensors
    assert np.array_equal(
        make(clip_of(keypoints), replace(recipe, min_confidence=0.5)).tensors, expected
    )
    assert np.array_equal(expected[0, ..., 3], ~weak)
    assert np.array_equal(expected[0, ..., 2], np.where(weak, 0, keypoints[..., 2]))


def test_other_skeletons_become_openpose18_and_nothing_else() -> None:
    keypoints = keypoints_of(10, skeleton=COCO17)
    clip = clip_of(keypoints, skeleton=COCO17)
    converted = clip_of(to_openpose18(keypoints, COCO17))
    recipe = SequenceRecipe(frames=10)
    assert np.array_equal(make(clip, recipe).tensors, make(converted, recipe).tensors)
    assert make(clip, replace(recipe, skeleton="coco17")).tensors.shape == (1, 10, 17, 3)
    with pytest.raises(ValueError, match="anna/walk: .* 'jhmdb15'. Received: 'coco17'. Name that"):
        make(clip, replace(recipe, skeleton="jhmdb15"))
    with pytest.raises(ValueError, match="a: has no keypoints yet. Find its poses"):
        make(Clip("a", Path("a.mp4")), recipe)


def test_the_clip_stays_as_it_is() -> None:
    clip = walk(30, lost=0.3)
    assert clip.keypoints is not None and clip.times is not None
    before = clip.keypoints.copy(), clip.times.copy()
    for recipe in KINDS:
        make(clip, replace(recipe, min_confidence=0.5))
    assert np.array_equal(clip.keypoints, before[0]) and np.array_equal(clip.times, before[1])


def test_maps_show_each_joint_where_the_box_puts_it() -> None:
    keypoints = np.zeros((2, 18, 3), np.float32)
    keypoints[:, NECK] = 100, 50, 0.8
    keypoints[:, NOSE] = 140, 250, 1
    keypoints[1, :2, :2] += 33
    recipe = SequenceRecipe(kind="maps", frames=3, width=21, height=41, margin=0.0, sigma=1.5)
    tensor = make(clip_of(keypoints), recipe).tensors[0]
    # A box of 40 x 200 pixels: its height fills the map's 41, its width 8.2 of 21.
    reach = 8.2 / 2
    placed = np.zeros((1, 18, 3))
    placed[0, NECK] = 10 - reach, 20 - 20.5, 0.8
    placed[0, NOSE] = 10 + reach, 20 + 20.5, 1
    expected = np.rint(255 * joint_maps(placed, (21, 41), sigma=1.5)).transpose(1, 2, 0)
    for frame in tensor[:2]:
        assert np.abs(frame - expected).max() <= 1 and frame[..., NECK].any()
    assert not tensor[2].any()


def test_maps_fill_a_missed_joint_only_where_somebody_is() -> None:
    keypoints = keypoints_of(6)
    keypoints[2, KNEE] = keypoints[4] = 0
    recipe = SequenceRecipe(kind="maps", frames=6)
    shown = make(clip_of(keypoints), recipe).tensors[0].any(axis=(1, 2))
    assert shown[:, KNEE].tolist() == [True, True, True, True, False, True]
    shown = make(clip_of(keypoints), replace(recipe, gaps="zero")).tensors[0].any(axis=(1, 2))
    assert shown[:, KNEE].tolist() == [True, True, False, True, False, True]


def test_two_hundred_clips_are_made_in_no_time() -> None:
    clips = 10 * [walk(100, seed, lost=0.1) for seed in range(20)]
    started = time.process_time()
    for clip in clips:
        make(clip, SLIDING)
    assert time.process_time() - started < 2


def test_real_walkers_are_finite_and_have_the_size_of_people(data_dir: Path) -> None:
    with np.load(data_dir / "sequences" / "kth_walking_persons01-12.npz") as passes:
        made = [real(passes[name]) for name in passes.files[::6]]
    assert len(made) == 30
    for tensor in made:
        assert np.isfinite(tensor).all()
        height = np.ptp(tensor[tensor[..., 2] > 0][:, 1])
        assert 2 < height < 8  # in torsos, over all frames


def real(values: np.ndarray) -> np.ndarray:
    """The tensor of (T, 17, 4) rows: x, y, joint confidence, detection score."""
    keypoints = values[..., :3].astype(np.float32)
    keypoints[(values[..., 3] <= 0.3) | (values[..., 2] <= 0)] = 0
    keypoints[..., 2] = keypoints[..., 2].clip(0, 1)
    return make(clip_of(keypoints, skeleton=COCO17), SequenceRecipe()).tensors[0]
