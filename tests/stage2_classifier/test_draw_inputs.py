"""The drawn picture shows the people of the policy, and the part around one person."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, no_people
from pose_activity.cache.options import PersonView, Plane, Style
from pose_activity.cache.planes import Recipe
from pose_activity.stage2_classifier.draw_inputs import draw_seen

IMAGE = np.full((100, 200, 3), 90, np.uint8)
BOXES = np.array([[10, 10, 50, 90], [150, 20, 190, 80]], np.float32)


def _poses() -> Poses:
    keypoints = np.zeros((2, 17, 3), np.float32)
    for person, (x1, y1, x2, y2) in enumerate(BOXES):
        keypoints[person, :, 0] = np.linspace(x1, x2, 17)
        keypoints[person, :, 1] = np.linspace(y1, y2, 17)
        keypoints[person, :, 2] = 0.9
    return Poses(Path("x"), (200, 100), COCO17, BOXES, np.array([0.9, 0.8], np.float32), keypoints)


@pytest.mark.parametrize(
    ("policy", "left", "right"), [("all", True, True), ("largest", True, False)]
)
def test_draws_whom_the_policy_chooses(policy, left, right):
    changed = (draw_seen(IMAGE, _poses(), Recipe(people=policy)) != IMAGE).any(2)
    assert changed[:, :100].any() == left and changed[:, 100:].any() == right


def test_one_person_is_cut_out_as_the_network_sees_it():
    recipe = Recipe(people="each", margin=0.1)
    part = draw_seen(IMAGE, _poses(), recipe, 1)
    assert part.shape == (72, 52, 3)  # 6 pixels around a box of 40 x 60
    assert (part != 90).any()


def test_the_pose_is_drawn_also_without_a_heatmap():
    recipe = Recipe(planes=("rgb",), people="each", margin=0.1)
    part = draw_seen(IMAGE, _poses(), recipe, 1)
    assert (part[15:57, 14:38] != 90).any()
    doubtful = draw_seen(IMAGE, _poses(), replace(recipe, heatmap=Style(min_confidence=0.95)), 1)
    assert (doubtful[15:57, 14:38] == 90).all()  # inside the box


def test_the_persons_view_is_beside_the_picture():
    recipe = Recipe(("rgb",), person_view=PersonView())
    image = IMAGE.copy()
    image[40:60, 20:40] = 200  # on the first person
    both = draw_seen(image, _poses(), recipe)
    assert both.shape == (100, 200 + 2 + 100, 3)
    changed = (both[:, :200] != image).any(2)
    assert changed[:, :100].any() and not changed[:, 100:].any()  # a box around whom it is about
    square = both[:, 202:]  # as the classifier sees it, without a pose
    assert (square[:, :20] == 114).all()  # of 100 pixels from x = -20, y = 0
    assert (square[40:60, 40:60] == 200).all()


def test_the_persons_view_has_a_pose_where_its_tensor_has_one():
    seen: tuple[tuple[Plane, ...], ...] = ("rgb",), ("rgb", "heatmap")
    plain, drawn = (
        draw_seen(IMAGE, _poses(), Recipe(("rgb",), person_view=PersonView(planes)))[:, 202:]
        for planes in seen
    )
    assert set(np.unique(plain)) == {90, 114} and (drawn != plain).any()


def test_a_picture_of_nobody_stands_alone():
    boxes, keypoints, scores = no_people(COCO17)
    nobody = Poses(Path("x"), (200, 100), COCO17, boxes, scores, keypoints)
    assert np.array_equal(draw_seen(IMAGE, nobody, Recipe(person_view=PersonView())), IMAGE)


def test_without_poses_the_picture_is_a_copy():
    copy = draw_seen(IMAGE, None, Recipe(planes=("rgb",)))
    assert (copy == IMAGE).all() and copy is not IMAGE
