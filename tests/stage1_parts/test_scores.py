"""Scores of part masks against slow loops and scikit-learn."""

import json

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score

from pose_activity.annotations.parts import IGNORE, PARTS9, PARTS15
from pose_activity.stage1_parts import scores


def masks(seed, classes=9, shape=(12, 15)):
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=shape).astype(np.uint8)
    said = np.where(rng.random(shape) < 0.6, truth, rng.integers(classes, size=shape))
    truth[rng.random(shape) < 0.1] = IGNORE
    return truth, said.astype(np.uint8)


PAIRS = [masks(seed) for seed in range(5)]


def flat(pairs):
    truth, said = (np.concatenate([pair[i].ravel() for pair in pairs]) for i in (0, 1))
    known = truth != IGNORE
    return truth[known], said[known]


def test_overlaps_and_confusion_are_those_of_scikit_learn():
    report = scores.evaluate(PAIRS, PARTS9)
    truth, said = flat(PAIRS)
    assert np.array_equal(report.confusion, confusion_matrix(truth, said, labels=range(9)))
    expected = jaccard_score(truth, said, average=None, labels=range(9))  # type: ignore[arg-type]
    expected = np.asarray(expected)
    np.testing.assert_allclose(np.array(report.iou, float), expected)
    assert report.miou == pytest.approx(expected.mean())
    assert report.miou_without_background == pytest.approx(expected[1:].mean())
    assert report.pixel_accuracy == pytest.approx((truth == said).mean())
    assert report.body_recall == pytest.approx((truth == said)[truth > 0].mean())
    assert report.sides_right is None, "nine classes have no sides"
    assert json.loads(json.dumps(report.as_json()))["images"] == 5


def test_a_class_that_never_occurs_counts_in_no_mean():
    truth = np.array([[0, 1], [0, 1]], np.uint8)
    said = np.array([[0, 1], [1, 1]], np.uint8)
    report = scores.evaluate([(truth, said)], PARTS9)
    assert report.iou[:3] == (0.5, pytest.approx(2 / 3), None)
    assert report.miou == pytest.approx((0.5 + 2 / 3) / 2)


def test_an_image_without_people_has_no_recall():
    empty = np.zeros((3, 3), np.uint8)
    report = scores.evaluate([(empty, empty)], PARTS9)
    assert report.miou == 1 and report.body_recall is None and report.boundary_f is None


def test_sides_are_right_where_the_limb_is():
    hand, other = PARTS15.index("left_hand"), PARTS15.index("right_hand")
    truth = np.array([[hand, hand, hand, hand, 0]], np.uint8)
    said = np.array([[hand, hand, other, 0, hand]], np.uint8)
    report = scores.evaluate([(truth, said)], PARTS15)
    assert report.sides_right == pytest.approx(2 / 3)


def slow_boundary(mask, number):
    found = set()
    for y, x in np.argwhere(mask == number):
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            v, u = y + dy, x + dx
            inside = 0 <= v < mask.shape[0] and 0 <= u < mask.shape[1]
            if inside and mask[v, u] != number:
                found.add((int(y), int(x)))
    return found


def test_boundaries_meet_as_a_double_loop_says():
    truth, said = np.zeros((20, 24), np.uint8), np.zeros((20, 24), np.uint8)
    truth[4:12, 5:15] = 1
    said[5:14, 5:18] = 1
    there, drawn = slow_boundary(truth, 1), slow_boundary(said, 1)

    def near(points, others):  # a disc of radius 1 has no corners
        return sum(any(abs(y - v) + abs(x - u) <= 1 for v, u in others) for y, x in points)

    counts = scores.boundary_counts(truth, said, 2)[1].tolist()
    assert counts == [near(drawn, there), len(drawn), near(there, drawn), len(there)]
    precision, recall = counts[0] / counts[1], counts[2] / counts[3]
    f = scores.boundary_f(np.array([counts]))[0]
    assert f == pytest.approx(2 * precision * recall / (precision + recall))


def test_intervals_hold_what_was_measured_and_grow_with_fewer_images():
    many = [masks(seed) for seed in range(40)]
    wide = scores.evaluate(many[:5], PARTS9)
    narrow = scores.evaluate(many, PARTS9)
    for report in (wide, narrow):
        low, high = report.intervals["miou"]
        assert low < report.miou < high
    widths = [np.ptp(report.intervals["miou"]) for report in (wide, narrow)]
    assert widths[0] > 1.5 * widths[1]
    assert scores.evaluate(many, PARTS9).intervals == narrow.intervals


def test_what_cannot_be_scored_is_refused():
    truth, said = PAIRS[0]
    with pytest.raises(ValueError, match="at least one image"):
        scores.evaluate([], PARTS9)
    with pytest.raises(ValueError, match="its mask's size"):
        scores.evaluate([(truth, said[:5])], PARTS9)
    with pytest.raises(ValueError, match="below 9"):
        scores.evaluate([(truth, np.full_like(said, 12))], PARTS9)
