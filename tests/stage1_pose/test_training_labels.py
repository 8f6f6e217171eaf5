"""What the pose model is taught: boxes around the body, and people whom the labels leave out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.derived_joints import convert
from pose_activity.annotations.skeleton import COCO17, MPII16, Skeleton
from pose_activity.annotations.types import Poses, Sample
from pose_activity.stage1_pose.training_labels import add_unlabelled, contain_body

SIZE = (400, 300)


def body(left: float, top: float) -> np.ndarray:
    """Seventeen joints of somebody 60 wide and 120 high."""
    rng = np.random.default_rng(5)
    points = np.ones((17, 3), np.float32)
    points[:, :2] = rng.uniform((0, 0), (60, 120), (17, 2)) + (left, top)
    points[0, :2], points[1, :2] = (left, top), (left + 60, top + 120)
    return points


def box_of(points: np.ndarray) -> np.ndarray:
    return np.concatenate([points[:, :2].min(0), points[:, :2].max(0)]).astype(np.float32)


def labelled(*people: np.ndarray, skeleton: Skeleton = COCO17) -> Sample:
    points = np.array(people, np.float32).reshape(-1, len(skeleton), 3)
    boxes = np.array([box_of(person) for person in points], np.float32).reshape(-1, 4)
    heads = np.full(len(points), 10, np.float32)
    return Sample(Path("x"), SIZE, skeleton, boxes, points, heads, "x", split="train")


def found(*people: np.ndarray, scores: tuple[float, ...]) -> Poses:
    points = np.array(people, np.float32)
    boxes = np.array([box_of(person) for person in points], np.float32)
    return Poses(Path("x"), SIZE, COCO17, boxes, np.array(scores, np.float32), points)


def test_a_box_made_from_joints_grows_on_all_sides() -> None:
    sample = contain_body(labelled(body(100, 100)), margin=0.1)
    assert sample.boxes == pytest.approx(np.array([[88, 88, 172, 232]]))


def test_it_ends_at_the_edge_of_the_picture() -> None:
    sample = contain_body(labelled(body(5, 175)), margin=0.1)
    assert sample.boxes == pytest.approx(np.array([[0, 163, 77, 300]]))


def test_a_box_of_the_data_set_stays() -> None:
    sample = labelled(body(100, 100))
    given = replace(sample, boxes=sample.boxes + np.array([-5, -3, 6, 2], np.float32))
    assert contain_body(given, margin=0.1).boxes.tolist() == given.boxes.tolist()
    boxless = replace(given, keypoints=np.zeros_like(given.keypoints))
    assert contain_body(boxless, margin=0.1).boxes.tolist() == given.boxes.tolist()
    assert contain_body(sample.take([]), margin=0.1).boxes.shape == (0, 4)


def test_people_without_a_label_are_added_as_they_were_found() -> None:
    known, other, faint = body(20, 20), body(200, 100), body(320, 100)
    other[3, 2], other[4, 2] = 0.4, 0.6
    sample, count = add_unlabelled(
        labelled(known),
        found(known + (2, 1, 0), other, faint, scores=(0.9, 0.8, 0.3)),
        min_score=0.5,
    )
    assert count == 1 and len(sample.boxes) == 2
    assert sample.boxes[1].tolist() == box_of(other).tolist()
    assert sample.keypoints[1, 3].tolist() == [0, 0, 0]  # not sure enough
    assert sample.keypoints[1, 4].tolist() == [*other[4, :2], 1]
    assert sample.head_sizes.tolist() == [10, 0]


def test_somebody_labelled_who_was_found_badly_is_not_added() -> None:
    person = body(100, 100)
    bad = person.copy()
    bad[:, :2] = bad[::-1, :2]  # joints all mixed up, in the same box
    assert add_unlabelled(labelled(person), found(bad, scores=(0.9,)), min_score=0.5)[1] == 0


def test_joints_are_derived_where_the_labels_have_others() -> None:
    other = body(200, 100)
    person = convert(body(20, 20)[None], COCO17, MPII16)[0]
    sample, count = add_unlabelled(
        labelled(person, skeleton=MPII16), found(other, scores=(0.9,)), min_score=0.5
    )
    assert count == 1
    expected = convert(other[None], COCO17, MPII16)[0]
    inside = ((expected[:, :2] >= 0) & (expected[:, :2] < SIZE)).all(axis=1)
    np.testing.assert_array_equal(sample.keypoints[1][inside], expected[inside])
    assert not sample.keypoints[1][~inside].any()


def test_without_every_joint_a_box_alone_is_added() -> None:
    tail = Skeleton("tailed", ("nose", "tail"), (), ())
    label = np.array([[10, 10, 1], [30, 40, 1]], np.float32)
    sample, count = add_unlabelled(
        labelled(label, skeleton=tail), found(body(200, 100), scores=(0.9,)), min_score=0.5
    )
    assert count == 1 and sample.boxes[1].any() and not sample.keypoints[1].any()


def test_the_activities_of_added_people_are_unknown() -> None:
    sample = replace(labelled(body(20, 20)), activities=("running",))
    both, _ = add_unlabelled(sample, found(body(200, 100), scores=(0.9,)), min_score=0.5)
    assert both.activities == ("running", None)
    nobody, count = add_unlabelled(sample.take([]), found(body(9, 9), scores=(0.9,)), min_score=0.5)
    assert count == 1 and len(nobody.boxes) == 1
