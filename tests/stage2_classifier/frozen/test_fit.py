"""A head on drawn vectors: its strength, its folds, its standardisation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from pose_activity.stage2_classifier.frozen import discriminant, fit, head, joint_scores


def draw(count: int, size: int, *, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ids = np.arange(count) % 3
    centres = np.random.default_rng(9).normal(size=(3, size))
    vectors = centres[ids] + noise * rng.normal(size=(count, size))
    return (5 + vectors * np.linspace(0.1, 10, size)).astype(np.float32), ids


def alone(count: int) -> list[str]:
    return [str(i) for i in range(count)]


def spread(logits: np.ndarray) -> float:
    return float((logits - logits.mean(1, keepdims=True)).std())


@pytest.mark.parametrize("size", [40, 300])  # fewer numbers than vectors, and more
def test_it_answers_as_scikit_learns_regression_and_discriminant_together(size: int) -> None:
    vectors, ids = draw(120, size, noise=3)
    found = fit.fit(vectors, ids, classes=3, groups=alone(120), C=0.01)
    scaler = StandardScaler().fit(vectors.astype(float))
    more, _ = draw(50, size, noise=3, seed=1)
    learned, others = (np.asarray(scaler.transform(some.astype(float))) for some in (vectors, more))
    regression = LogisticRegression(C=0.01, tol=1e-8, max_iter=5000).fit(learned, ids)
    solution = discriminant.fit(learned.astype(np.float32), ids, classes=3)
    sides = [regression.decision_function, lambda some: some @ solution[0] + solution[1]]
    first, second = (side(learned) for side in sides)
    factor = spread(first) / spread(second)
    logits = (sides[0](others) + factor * sides[1](others)) / 2
    np.testing.assert_allclose(found.head.probabilities(more), softmax(logits, 1), atol=2e-3)


def test_noise_asks_for_a_stronger_penalty() -> None:
    chosen = []
    for noise in (0.5, 20):
        vectors, ids = draw(90, 60, noise=noise)
        found = fit.fit(vectors, ids, classes=3, groups=alone(90))
        losses = [one.loss for one in found.tried]
        assert losses == sorted(losses, reverse=True)
        chosen.append(found.tried[-1].C)
    assert chosen[1] < chosen[0]


def test_held_out_answers_are_not_those_of_learned_pictures() -> None:
    rng = np.random.default_rng(0)
    vectors, ids = rng.normal(size=(60, 400)).astype(np.float32), np.arange(60) % 3
    found = fit.fit(vectors, ids, classes=3, groups=alone(60), C=1.0)
    assert (found.head.probabilities(vectors).argmax(1) == ids).all()
    assert (found.held_out.argmax(1) == ids).mean() < 0.6  # chance is a third
    np.testing.assert_allclose(found.held_out.sum(1), 1, atol=1e-5)


def test_a_group_is_on_one_side_of_a_fold() -> None:
    rng = np.random.default_rng(0)
    scenes = rng.normal(size=(20, 50))
    of_scene = np.arange(100) % 20
    vectors = (scenes[of_scene] + 0.01 * rng.normal(size=(100, 50))).astype(np.float32)
    ids = np.random.default_rng(1).permutation(np.arange(20) % 2)[of_scene]
    apart = fit.fit(vectors, ids, classes=2, groups=alone(100), C=1.0)
    together = fit.fit(vectors, ids, classes=2, groups=[str(i) for i in of_scene], C=1.0)
    assert apart.tried[0].accuracy == 1
    assert together.tried[0].accuracy < 0.8


def test_mirror_images_count_half_each() -> None:
    vectors, ids = draw(60, 20, noise=3)
    plain = fit.fit(vectors, ids, classes=3, groups=alone(60), C=0.1)
    twice = fit.fit(vectors, ids, classes=3, mirrored=vectors, groups=alone(60), C=0.1)
    more, _ = draw(30, 20, noise=3, seed=1)
    np.testing.assert_allclose(
        twice.head.probabilities(more), plain.head.probabilities(more), atol=1e-3
    )


def test_rare_classes_and_few_groups() -> None:
    vectors, _ = draw(7, 5, noise=1)
    ids = np.array([0, 0, 0, 0, 0, 0, 1])
    groups = ["a", "a", "a", "b", "b", "b", "b"]
    found = fit.fit(vectors, ids, classes=3, groups=groups)
    assert found.held_out.shape == (7, 3)


def test_one_class_is_refused() -> None:
    vectors, _ = draw(6, 5, noise=1)
    with pytest.raises(ValueError, match="pictures of two classes"):
        fit.fit(vectors, np.zeros(6, int), classes=2, groups=alone(6))


def test_a_constant_number_does_no_harm() -> None:
    vectors, ids = draw(30, 10, noise=1)
    vectors[:, 3] = 7
    found = fit.fit(vectors, ids, classes=3, groups=alone(30), C=0.1)
    assert np.isfinite(found.head.probabilities(vectors)).all()


def test_joints_are_joined_as_far_as_they_help() -> None:
    vectors, ids = draw(90, 20, noise=20)  # that tell little
    rng = np.random.default_rng(0)
    telling = np.eye(3)[ids] + 0.2 * rng.normal(size=(90, 3))
    there = np.ones((90, 1))
    weights, accuracies = [], []
    for numbers in (telling, rng.normal(size=(90, 3))):
        rows = np.hstack([there, numbers, there, numbers]).astype(np.float32)
        both = np.hstack([vectors, rows])
        found = fit.fit(both, ids, classes=3, groups=alone(90), joints=8, C=0.01)
        weights.append(found.joint_weight)
        accuracies.append(found.accuracy)
        plain = fit.fit(vectors, ids, classes=3, groups=alone(90), C=0.01)
        assert found.tried == plain.tried
        logits = np.log(plain.head.probabilities(vectors).astype(float))
        scores = joint_scores.fit(rows, ids, classes=3)(rows)
        np.testing.assert_allclose(
            found.head.probabilities(both), softmax(logits + weights[-1] * scores, 1), atol=1e-4
        )
        again = fit.fit_head(
            both, ids, classes=3, joints=8, C=0.01, joint_weight=found.joint_weight
        )
        assert (again.probabilities(both) == found.head.probabilities(both)).all()
    assert weights[0] > 1 and weights[1] <= 1
    assert accuracies[0] > 0.9


def test_threads_change_nothing() -> None:
    vectors, ids = draw(90, 200, noise=3)
    there = np.ones((90, 1), np.float32)
    rows = np.hstack([vectors, there, vectors[:, :3], there, vectors[:, :3]])
    one, many = (
        fit.fit(rows, ids, classes=3, groups=alone(90), joints=8, threads=n) for n in (1, 3)
    )
    assert one.tried == many.tried and one.joint_weight == many.joint_weight
    assert (one.held_out == many.held_out).all()
    assert (one.head.probabilities(rows) == many.head.probabilities(rows)).all()


def test_a_head_with_joints_is_read_as_it_was_written(tmp_path) -> None:
    vectors, ids = draw(30, 12, noise=1)
    vectors[:, [4, 8]] = 1  # somebody, whose mirror image is alike
    vectors[:, 9:] = vectors[:, 5:8]
    found = fit.fit(vectors, ids, classes=3, groups=alone(30), joints=8, C=0.1).head
    head.save(tmp_path, found)
    again = head.load(tmp_path)
    assert again.joints is not None
    assert (again.probabilities(vectors) == found.probabilities(vectors)).all()


def test_sums_of_joints_in_another_order_differ_by_no_more_than_rounding() -> None:
    rng = np.random.default_rng(0)
    ids, there = rng.integers(0, 3, 400), np.ones((400, 1))
    sides = [np.hstack([there, rng.normal(size=(400, 20))]) for _ in range(2)]
    rows = np.hstack([rng.normal(size=(400, 5)), *sides]).astype(np.float32)
    found = fit.fit_head(rows, ids, classes=3, joints=42, C=0.1, joint_weight=8.0)
    assert found.joints is not None
    order = rng.permutation(len(found.joints.anchors))
    turned = replace(
        found.joints, anchors=found.joints.anchors[order], kernel=found.joints.kernel[order]
    )
    other = replace(found, joints=turned)
    difference = np.abs(found.probabilities(rows) - other.probabilities(rows)).max()
    assert 0 < difference < found.rounding < 1e-2
    assert replace(found, joints=None).rounding == 0


def test_a_head_is_read_as_it_was_written(tmp_path) -> None:
    vectors, ids = draw(30, 10, noise=1)
    found = fit.fit(vectors, ids, classes=3, groups=alone(30), C=0.1).head
    head.save(tmp_path, found)
    again = head.load(tmp_path)
    assert (again.probabilities(vectors) == found.probabilities(vectors)).all()
    kernel, bias = found.folded()
    logits = vectors.astype(float) @ kernel + bias
    powers = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(
        powers / powers.sum(1, keepdims=True), found.probabilities(vectors), atol=1e-4
    )
    (tmp_path / head.FILE).write_bytes(b"PK")
    with pytest.raises(ValueError, match="is damaged"):
        head.load(tmp_path)
