"""Looks at what `children/look_at_motion_cnn.py` built."""

import math

import numpy as np
import pytest


@pytest.fixture(scope="module")
def facts(child, tmp_path_factory):
    out = tmp_path_factory.mktemp("motion_cnn") / "facts.npz"
    child("look_at_motion_cnn", out)
    return np.load(out)


@pytest.mark.parametrize("frames", [2, 5])
def test_motion_is_told_since_some_frames_before(facts, frames):
    def moved(frame, joint, axis):
        before, now = facts["x"][:, frame - frames, joint], facts["x"][:, frame, joint]
        return (now[:, axis] - before[:, axis]) * now[:, 2] * before[:, 2]

    told = facts[f"motion{frames}"].reshape(2, 9, 4, 2)
    assert not told[:, :frames].any()
    for frame, joint, axis in np.ndindex(9 - frames, 4, 2):
        frame += frames
        np.testing.assert_allclose(
            told[:, frame, joint, axis], moved(frame, joint, axis), atol=1e-6
        )


def test_shape_is_told_from_the_middle_of_the_frame_and_path_is_that_middle(facts):
    for clip, x in enumerate(facts["x"]):
        middles = [frame[frame[:, 2] > 0, :2].mean(0) for frame in x if frame[:, 2].any()]
        for frame, middle in enumerate(middles):
            there = x[frame, :, 2:] > 0
            expected = np.where(there, x[frame, :, :2] - middle, 0)
            np.testing.assert_allclose(facts["shape"][clip, frame], expected.ravel(), atol=1e-6)
        path = facts["path"][clip, : len(middles)]
        np.testing.assert_allclose(path, middles - np.mean(middles, axis=0), atol=1e-6)
    assert not facts["path"][1, 6:].any() and not facts["shape"][1, 6:].any()


def test_distances_between_any_two_joints(facts):
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    for clip, frame, pair in np.ndindex(2, 9, 6):
        (ax, ay, av), (bx, by, bv) = facts["x"][clip, frame][list(pairs[pair])]
        expected = math.hypot(ax - bx, ay - by) * av * bv
        assert facts["distances"][clip, frame, pair] == pytest.approx(expected, abs=1e-5)


def test_directions_do_not_tell_lengths(facts):
    told = facts["directions"].reshape(2, 9, 3, 2)
    bones = np.stack([facts["x"][:, :, b] - facts["x"][:, :, a] for a, b in facts["bones"]], 2)
    bones = bones[..., :2]
    length = np.linalg.norm(told, axis=-1)
    longer = np.linalg.norm(bones, axis=-1) > 1
    longer[0, 3, 0] = longer[1, 6:] = False  # bones that end in a missing joint
    assert longer.sum() > 20 and (np.abs(length[longer] - 1) < 0.01).all()
    np.testing.assert_allclose(  # and they point where the bones do
        (told * bones).sum(-1)[longer], (length * np.linalg.norm(bones, axis=-1))[longer], rtol=1e-5
    )
    assert not told[0, 3, 0].any() and not told[1, 6:].any()


def test_answers_are_probabilities(facts):
    np.testing.assert_allclose(facts["both"].sum(1), 1, atol=1e-5)
    assert facts["embedding"].shape == (5, 2 * (8 + 12))


def test_a_mirrored_sequence_is_answered_alike(facts):
    np.testing.assert_allclose(facts["both"], facts["both mirrored"], atol=1e-5)
    assert np.abs(facts["one"] - facts["one mirrored"]).max() > 1e-3


def test_frames_without_a_person_do_not_change_the_answer(facts):
    np.testing.assert_allclose(facts["short"], facts["filled"], atol=1e-6)
    np.testing.assert_allclose(facts["short"], facts["late"], atol=1e-6)
    assert np.abs(facts["short"] - facts["both"]).max() > 1e-3


def test_a_saved_model_answers_alike(facts):
    np.testing.assert_allclose(facts["loaded"], facts["both"], atol=1e-6)
