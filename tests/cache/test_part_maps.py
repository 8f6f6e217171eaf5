"""Soft parts of bodies as planes: where they are, and whose."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity.annotations.parts import PARTS9, PARTS15, PASCAL7, PERSON
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.cache import fingerprint
from pose_activity.cache.options import PersonView
from pose_activity.cache.part_maps import NAMES, PartMaps, maps_of, only_of, picture_of, place
from pose_activity.cache.planes import PERSON as PERSON_ARRAY
from pose_activity.cache.planes import Recipe, make, make_arrays
from pose_activity.cache.recipes import recipe_of

RNG = np.random.default_rng(0)
WIDTH, HEIGHT = 80, 60


def two_people(size: tuple[int, int] = (WIDTH, HEIGHT)) -> Poses:
    """Two people side by side, the left one first; each a line from shoulder to hip."""
    keypoints = np.zeros((2, 17, 3), np.float32)
    for person, x in enumerate((0.25, 0.75)):
        for joint, y in (("left_shoulder", 0.2), ("left_hip", 0.8)):
            keypoints[person, COCO17.index(joint)] = (x * size[0], y * size[1], 1)
    boxes = np.array([[0.1, 0.1, 0.5, 0.9], [0.5, 0.1, 0.9, 0.9]]) * (*size, *size)
    scores = np.array([0.9, 0.8], np.float32)
    return Poses(Path("a.jpg"), size, COCO17, boxes.astype(np.float32), scores, keypoints)


def full(size: tuple[int, int] = (WIDTH, HEIGHT), value: int = 40) -> PartMaps:
    return PartMaps(np.full((30, 40, 6), value, np.uint8), size)


def test_classes_are_merged_into_six():
    p = RNG.dirichlet(np.ones(15), (4, 5)).astype(np.float32)
    maps = maps_of(p, PARTS15, (50, 40))
    arms = [PARTS15.index(f"{side}_upper_arm") for side in ("left", "right")]
    expected = np.rint(255 * p[..., arms].sum(-1))
    assert np.abs(maps.planes[..., NAMES.index("upper_arm")] - expected).max() <= 1
    assert maps_of(p[..., :9], PARTS9, (50, 40)).planes.shape == (4, 5, 6)
    with pytest.raises(ValueError, match="'person' cannot be merged into 'pascal7'"):
        maps_of(p[..., :2], PERSON, (50, 40))
    with pytest.raises(ValueError, match=r"must be \(h, w, 6\) uint8"):
        PartMaps(np.zeros((4, 5, 3), np.uint8), (50, 40))


def test_parts_of_others_are_zero():
    """Between two people each has the half that is nearer to their bones."""
    poses = two_people()
    left, right = (only_of(full(), poses, [person]).planes[..., 0] > 0 for person in (0, 1))
    assert not (left & right).any()
    assert left[15, 10] and right[15, 30] and not left[15, 30] and not right[15, 10]
    assert left[:, :20].sum() > 400 and not left[:, 22:].any()
    both = only_of(full(), poses, [0, 1]).planes[..., 0] > 0
    assert np.array_equal(both, left | right) and not both[:, 0].any(), "nobody's"
    assert not only_of(full(), poses, []).planes.any()


def test_a_person_without_joints_has_the_box():
    poses = two_people()
    bare = replace(poses, keypoints=np.zeros_like(poses.keypoints))
    assert only_of(full(), bare, [0]).planes[15, 10].all()


@pytest.mark.parametrize("way", ["stretch", "letterbox"])
@pytest.mark.parametrize("map_wh", [(40, 30), (31, 17), (160, 120)])
def test_parts_lie_on_the_pixels_they_mark(way: Any, map_wh: tuple[int, int]):
    """A disc in the picture and the same disc in the maps meet in the tensor."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    cv2.circle(image, (24, 30), 9, (255, 255, 255), cv2.FILLED)
    planes = np.zeros((*map_wh[::-1], 6), np.uint8)
    planes[..., 1] = cv2.resize(image[..., 0], map_wh, interpolation=cv2.INTER_LINEAR)
    recipe = Recipe(
        planes=("rgb", "parts", "rgb_person"), width=160, height=96, resize=way, people="all"
    )
    tensor = make(image, two_people(), recipe, parts=PartMaps(planes, (WIDTH, HEIGHT)))
    assert tensor.shape == (96, 160, 12)
    disc, part = tensor[..., 0] == 255, tensor[..., 3 + 1] > 127
    off = np.argwhere(disc).mean(0) - np.argwhere(part).mean(0)
    assert np.abs(off).max() < 1.2 and abs(part.sum() / disc.sum() - 1) < 0.25
    person = tensor[..., 9:]
    assert np.array_equal(person[part], tensor[..., :3][part]) and not person[~part].any()


def test_a_persons_view_shows_that_person():
    view = PersonView(planes=("parts", "rgb_person"), size=48, people="top_score")
    recipe = Recipe(planes=("rgb",), width=64, height=48, person_view=view)
    assert recipe.needs_parts and recipe.needs_poses
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    shown = make_arrays(image, two_people(), recipe, parts=full())[PERSON_ARRAY]
    assert shown.shape == (48, 48, 9) and shown[24, 24].tolist() == [40] * 6 + [90] * 3
    assert not shown[24, 46, 6:].any(), "the other one"


@pytest.mark.parametrize("person", ["crop", "mask"])
def test_one_by_one(person: Any):
    recipe = Recipe(planes=("parts",), width=64, height=48, people="each", person=person)
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    tensors = [make(image, two_people(), recipe, number, full()) for number in (0, 1)]
    assert all(np.median(tensor[tensor > 0]) == 40 for tensor in tensors)
    if person == "mask":
        assert (
            tensors[0][24, 16].all() and not tensors[0][24, 48].any() and tensors[1][24, 48].all()
        )


def test_who_is_chosen_is_the_policys():
    recipe = Recipe(planes=("parts",), width=WIDTH, height=HEIGHT, people="top_score")
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    tensor = make(image, two_people(), recipe, parts=full())
    assert tensor[30, 20].all() and not tensor[30, 60].any()


def test_recipes_and_what_they_need():
    recipe = Recipe(planes=("rgb", "parts"), parts="abc")
    assert recipe.channels == 9 and recipe_of(recipe.as_json()) == recipe
    assert "parts" not in Recipe(planes=("rgb",)).as_json(), "as before there were parts"
    image = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="need what a parts network found"):
        make(image, two_people((4, 4)), recipe)
    assert fingerprint.of(recipe) != fingerprint.of(Recipe(planes=("rgb", "rgb_person")))
    assert fingerprint.of(recipe) == fingerprint.of(replace(recipe, parts="other"))


def test_a_picture_of_the_planes():
    planes = np.zeros((1, 2, 6), np.uint8)
    planes[0, 0, 0], planes[0, 1, 1] = 255, 51
    drawn = picture_of(planes)
    assert drawn[0, 0].tolist() == [*PASCAL7.colours[1]]
    np.testing.assert_allclose(drawn[0, 1], np.array(PASCAL7.colours[2]) / 5, rtol=1e-6)


def test_placing_outside_leaves_zeros():
    placed = place(full(), (20, 30), np.array([0.1, 0.1]), np.array([10.0, 5.0]))
    assert placed.shape == (20, 30, 6) and not placed[:, :9].any() and placed[7, 13].all()
