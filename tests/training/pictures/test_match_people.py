"""Who becomes a tensor: labelled people beside found ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17, MPII16
from pose_activity.annotations.types import Poses, Sample
from pose_activity.training.pictures.match_people import (
    Unmatched,
    each_person,
    match,
    whole_pictures,
)

IMAGE = Path("a.jpg")


def figure(x: float, y: float, skeleton=COCO17, height: float = 100.0) -> np.ndarray:
    """A person's joints, `(K, 3)`: the same for each skeleton where joints have one name."""
    rng = np.random.default_rng(0)
    places = {name: rng.uniform(0, 1, 2) for name in sorted({*COCO17.joints, *MPII16.joints})}
    xy = [places[name] * (height / 2, height) + (x, y) for name in skeleton.joints]
    return np.column_stack([xy, np.ones(len(xy))]).astype(np.float32)


def box(x: float, y: float, height: float = 100.0) -> list[float]:
    return [x, y, x + height / 2, y + height]


def found(places: list[tuple[float, float]]) -> Poses:
    n = len(places)
    return Poses(
        image=IMAGE,
        size=(640, 480),
        skeleton=COCO17,
        boxes=np.array([box(*place) for place in places], np.float32).reshape(n, 4),
        scores=np.ones(n, np.float32),
        keypoints=np.array([figure(*p) for p in places], np.float32).reshape(n, len(COCO17), 3),
    )


def labelled(
    places: list[tuple[float, float]], activities: tuple[str | None, ...] | None, skeleton=COCO17
) -> Sample:
    n = len(places)
    joints = np.array([figure(*p, skeleton) for p in places], np.float32)
    return Sample(
        image=IMAGE,
        size=(640, 480),
        skeleton=skeleton,
        boxes=np.array([box(*place) for place in places], np.float32).reshape(n, 4),
        keypoints=joints.reshape(n, len(skeleton), 3),
        head_sizes=np.zeros(n, np.float32),
        activity="crowd",
        split="train",
        activities=activities,
    )


PLACES = [(20.0, 20.0), (200.0, 30.0), (400.0, 60.0)]


@pytest.mark.parametrize("skeleton", [COCO17, MPII16])
def test_people_are_matched_by_their_joints(skeleton) -> None:
    sample = labelled(PLACES, ("a", "b", "c"), skeleton)
    moved = [(x + 2, y - 1) for x, y in (PLACES[2], PLACES[0])]
    assert match(found(moved), sample).tolist() == [1, -1, 0]
    assert match(found([]), sample).tolist() == [-1, -1, -1]


def test_people_without_joints_are_matched_by_their_boxes() -> None:
    sample = labelled(PLACES, ("a", "b", "c"))
    boxes_only = replace(sample, keypoints=np.zeros_like(sample.keypoints))
    assert match(found([PLACES[1], (42.0, 20.0)]), boxes_only).tolist() == [-1, 0, -1]
    assert match(found([PLACES[1], (30.0, 20.0)]), boxes_only).tolist() == [1, 0, -1]


def test_two_labels_never_share_a_found_person() -> None:
    twice = labelled([PLACES[0], (22.0, 20.0)], ("a", "b"))
    assert match(found([PLACES[0]]), twice).tolist() == [0, -1]


def test_labelled_people_give_their_own_activities_and_nobody_is_lost_in_silence() -> None:
    sample = labelled(PLACES, ("runs", "reads", None))
    chosen = each_person([sample], {IMAGE: found([PLACES[0], (500.0, 300.0)])})
    assert [(s.person, s.label, s.split) for s in chosen.specs] == [(0, "runs", "train")]
    assert [(u.person, u.activity) for u in chosen.unmatched] == [(1, "reads")]
    assert "none of the found people is this one" in chosen.unmatched[0].reason
    assert chosen.notes == [
        "1 of 2 labelled people are left out, since stage 1 did not find them: see unmatched.csv.",
        "1 labelled people have no activity and are left out.",
    ]


def test_where_the_picture_is_labelled_everybody_in_it_is() -> None:
    sample, empty = labelled(PLACES, None), replace(labelled([], None), image=Path("b.jpg"))
    unlabelled = replace(sample, image=Path("c.jpg"), activity=None)
    outside = replace(sample, image=Path("d.jpg"), split=None)
    people = {IMAGE: found(PLACES[:2]), Path("b.jpg"): found([]), Path("c.jpg"): found(PLACES)}
    chosen = each_person([sample, empty, unlabelled, outside], people)
    assert [(s.image, s.person, s.label) for s in chosen.specs] == [
        (IMAGE, 0, "crowd"),
        (IMAGE, 1, "crowd"),
    ]
    reason = "nobody was found in the picture"
    assert chosen.unmatched == [Unmatched(Path("b.jpg"), None, "crowd", reason)]
    assert chosen.notes == [
        "2 people found in 1 pictures got their picture's activity: the data set names none by "
        "person.",
        "1 pictures are left out, since nobody was found in them: see unmatched.csv.",
        "1 pictures have no activity and are left out.",
    ]


def test_whole_pictures_without_an_activity_are_counted() -> None:
    sample = labelled(PLACES, ("runs", "reads", None))
    poses = {IMAGE: found(PLACES)}
    chosen = whole_pictures([sample, replace(sample, activity=None)], poses)
    assert [(s.label, s.person, s.poses) for s in chosen.specs] == [("crowd", None, poses[IMAGE])]
    assert "1 pictures have no activity of their own and are left out" in chosen.notes[0]
    assert chosen.unmatched == []
