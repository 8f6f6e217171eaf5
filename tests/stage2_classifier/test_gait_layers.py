"""The layers of `gait_statistics`, against numpy and numbers worked out by hand."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17

FRAMES = 6
FLIP = list(COCO17.flip_index)


@pytest.fixture(scope="module")
def looked(child, tmp_path_factory) -> SimpleNamespace:
    """What was drawn, and what `children/look_at_gait_layers.py` saw of it."""
    folder = tmp_path_factory.mktemp("gait")
    drawn = _drawn()
    np.savez(folder / "drawn.npz", allow_pickle=False, **drawn)
    child("look_at_gait_layers", folder / "drawn.npz", folder / "seen.npz")
    with np.load(folder / "seen.npz") as seen:
        return SimpleNamespace(drawn=drawn, seen=dict(seen))


def _drawn() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    mask = np.ones((4, FRAMES), np.float32)
    mask[1, [0, 3]], mask[2, 1:], mask[3] = 0, 0, 0
    walkers = _walkers(rng)
    mirrored = walkers[:, :, FLIP] * np.array([-1, 1, 1], np.float32)
    elsewhere = walkers * np.array([3, 3, 1], np.float32)
    elsewhere[..., :2] += [7, -2]
    disturbed = walkers.copy()
    disturbed[:, -1, :, :2] = 9  # nobody was found in that frame
    return {
        "sequence": rng.normal(size=(4, FRAMES, 5)).astype(np.float32),
        "mask": mask,
        "walkers": walkers,
        "mirrored": mirrored,
        "elsewhere": elsewhere,
        "disturbed": disturbed,
        "corner": np.array([[[[0, 2, 2], [0, 0, 3]]]], np.float32),
        "vectors": rng.normal(size=(4, 7)).astype(np.float32),
    }


def _walkers(rng: np.random.Generator) -> np.ndarray:
    """Returns `(4, FRAMES, 17, 3)`: upright, two looking each way, nobody in the last frame."""
    walkers = np.zeros((4, FRAMES, len(COCO17), 3), np.float32)
    heights = {"nose": -2, "shoulder": -1.5, "hip": 0, "knee": 1, "ankle": 2}
    for joint, name in enumerate(COCO17.joints):
        walkers[:, :, joint, 1] = next((y for k, y in heights.items() if name.endswith(k)), -1)
    walkers[..., :2] += rng.normal(0, 0.1, walkers[..., :2].shape)
    walkers[:, :, 0, 0] += np.array([1, 1, -1, -1])[:, None]
    walkers[:, :-1, :, 2] = 1
    return walkers


def test_quantiles_are_numpys_over_the_frames_of_the_mask(looked):
    for sequence, mask, got in zip(
        looked.drawn["sequence"], looked.drawn["mask"] > 0, looked.seen["quantiles"], strict=True
    ):
        wanted = np.zeros((5, 4))
        if mask.any():
            wanted = np.quantile(sequence[mask], (0.0, 0.3, 0.5, 1.0), axis=0).T
        np.testing.assert_allclose(got, wanted.ravel(), atol=1e-5)


def test_moments_are_mean_and_deviation_over_the_frames_of_the_mask(looked):
    for sequence, mask, got in zip(
        looked.drawn["sequence"], looked.drawn["mask"] > 0, looked.seen["moments"], strict=True
    ):
        told = sequence[mask] if mask.any() else np.zeros((1, 5))
        np.testing.assert_allclose(got, [*told.mean(0), *told.std(0)], atol=2e-3)


def test_a_move_is_known_between_two_frames_of_the_mask(looked):
    walkers = looked.drawn["walkers"][..., :2].swapaxes(2, 3)
    np.testing.assert_allclose(
        looked.seen["moved"], np.diff(walkers, axis=1).reshape(4, FRAMES - 1, -1), atol=1e-6
    )
    assert looked.seen["moved_mask"][1].tolist() == [0, 1, 0, 0, 1]


def test_the_build_of_a_corner(looked):
    joints, (span, length, cosine, sine) = (
        np.split(looked.seen["build"][0, 0], [6])[0],
        (
            looked.seen["build"][0, 0, 6:8],
            *looked.seen["build"][0, 0, 8:],
        ),
    )
    assert joints.tolist() == [0, 2, 2, 0, 0, 3]
    assert span.tolist() == [2, 0]
    # From (2, 0) back to (0, 0) and on to (2, 3): a right angle; lengths 2 and 3.
    np.testing.assert_allclose([length, cosine, sine], [2, 0, -6 / 6.01], atol=1e-5)


def test_everybody_walks_to_the_right_from_the_hips_and_is_equally_tall(looked):
    upright = looked.seen["upright"].swapaxes(2, 3)
    hips, ankles = ([COCO17.index(f"{s}_{p}") for s in ("left", "right")] for p in ("hip", "ankle"))
    found = upright[:, :-1]
    assert (found[:, :, 0, 0].mean(axis=1) > 0).all()
    np.testing.assert_allclose(found[:, :, hips].mean(axis=2), 0, atol=1e-5)
    heights = found[:, :, ankles, 1].mean(axis=2) - found[:, :, 0, 1]
    np.testing.assert_allclose(heights.mean(axis=1), 2.5, rtol=1e-5)
    assert (upright[:, -1] == 0).all()


@pytest.mark.parametrize("change", ["mirrored", "elsewhere", "disturbed"])
def test_answers_do_not_depend_on(looked, change):
    ours, changed = (_logits(looked.seen[f"answers_{name}"]) for name in ("walkers", change))
    np.testing.assert_allclose(changed, ours, atol=1e-3)


def test_answers_tell_walkers_apart(looked):
    assert np.ptp(_logits(looked.seen["answers_walkers"]), axis=0).max() > 0.1


def _logits(answers: np.ndarray) -> np.ndarray:
    """Logarithms, for an untrained head may be so sure of one class that answers are all alike."""
    return np.log(answers)


def test_likeness_is_a_softmax_of_cosines(looked):
    vectors, prototypes = looked.drawn["vectors"], looked.seen["prototypes"]
    for row, vector in zip(looked.seen["likeness"], vectors, strict=True):
        cosines = [v @ vector / np.linalg.norm(v) / np.linalg.norm(vector) for v in prototypes.T]
        wanted = np.exp(5 * np.array(cosines))
        np.testing.assert_allclose(row, wanted / wanted.sum(), atol=1e-5)


def test_the_statistics_may_be_the_vector_and_need_no_training(looked):
    vectors, quantiles = looked.seen["statistics"], looked.seen["quantiles_of_walkers"]
    assert vectors.shape[1] > quantiles.shape[1]
    # An untrained batch normalisation divides by the root of 1 and its epsilon alone.
    np.testing.assert_allclose(vectors[:, : quantiles.shape[1]], quantiles, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("other_embedding", r"one of \('hidden', 'statistics'\). Received: 'x'"),
        ("other_joints", r"takes joints of 'coco17': tensors \(frames, 17, channels\)"),
        ("no_head", r"needs one of the joints \['nose', 'head_top'\]"),
    ],
)
def test_what_cannot_be_built_is_told(looked, case, says):
    assert re.search(says, str(looked.seen[case]))
