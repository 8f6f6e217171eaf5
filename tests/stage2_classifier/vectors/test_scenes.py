"""Scenes made alike, against scikit-learn, and for what they are for."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from pose_activity.stage2_classifier.options import LinearOptions
from pose_activity.stage2_classifier.vectors.fit import fit
from pose_activity.stage2_classifier.vectors.scenes import standardise_by_scene


def test_each_scene_is_what_scikit_learn_makes_of_it() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(3, 2, (40, 5)).astype(np.float32)
    vectors[:, 4] = 0.7
    scenes = rng.permutation(["park"] * 15 + ["hall"] * 25).tolist()
    before = vectors.copy()
    found = standardise_by_scene(vectors, scenes)
    for scene in ("park", "hall"):
        own = np.array(scenes) == scene
        expected = StandardScaler().fit_transform(vectors[own].astype(float))
        np.testing.assert_allclose(found[own][:, :4], expected[:, :4], atol=1e-9)
    assert not found[:, 4].any() and found.dtype == np.float64
    np.testing.assert_array_equal(vectors, before)


def test_people_are_known_again_in_a_scene_that_shifts_and_stretches_all() -> None:
    rng = np.random.default_rng(1)
    people, of = rng.normal(size=(6, 20)), np.tile(np.arange(6), 8)
    vectors = [people[of] + rng.normal(0, 0.3, (48, 20)) for _ in range(2)]
    vectors[1] = vectors[1] * rng.uniform(0.5, 3, 20) + rng.normal(0, 20, 20)
    labels = [f"p{i}" for i in of]

    def accuracy(learned: np.ndarray, asked: np.ndarray) -> float:
        classifier = fit(learned, labels, LinearOptions("ridge", C=0.05))
        return float((classifier(asked).argmax(1) == classifier.ids(labels)).mean())

    assert accuracy(*vectors) <= 0.5
    alike = standardise_by_scene(np.concatenate(vectors), ["a"] * 48 + ["b"] * 48)
    assert accuracy(alike[:48], alike[48:]) > 0.95


@pytest.mark.parametrize("scenes", [["a", "a", "b"], ["a", "a"]])
def test_scenes_that_do_not_fit(scenes: list[str]) -> None:
    with pytest.raises(ValueError, match="two vectors or more in each scene. Received: . scenes"):
        standardise_by_scene(np.zeros((3, 2)), scenes)
