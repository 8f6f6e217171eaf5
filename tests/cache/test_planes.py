"""Planes fit the picture that they lie over."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, no_people
from pose_activity.cache.options import Style
from pose_activity.cache.planes import PoseModelId, Recipe, make, resize, window


def person_at(xy: tuple[float, float], size: tuple[int, int]) -> Poses:
    keypoints = np.zeros((1, 17, 3), np.float32)
    keypoints[0, 0] = (*xy, 1)
    box = np.array([[xy[0] - 5, xy[1] - 5, xy[0] + 5, xy[1] + 5]], np.float32)
    return Poses(Path("a.jpg"), size, COCO17, box, np.ones(1, np.float32), keypoints)


def nobody(size: tuple[int, int]) -> Poses:
    boxes, keypoints, scores = no_people(COCO17)
    return Poses(Path("a.jpg"), size, COCO17, boxes, scores, keypoints)


@pytest.mark.parametrize("way", ["stretch", "letterbox"])
@pytest.mark.parametrize("size", [(300, 200), (120, 500), (64, 48)])
def test_a_joint_lies_on_the_pixel_it_marks(way: str, size: tuple[int, int]) -> None:
    """A white disc in the picture and the joint at its middle meet in the tensor."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    centre = (width // 3, height // 4)
    cv2.circle(image, centre, 5, (255, 255, 255), cv2.FILLED)
    recipe = Recipe(width=160, height=96, resize=way, heatmap=Style(joint_radius=2))  # pyright: ignore[reportArgumentType]
    tensor = make(image, person_at(centre, size), recipe)
    disc = tensor[..., 0] > 150
    joint = tensor[..., 3] > 0
    middle_of = [np.argwhere(mask).mean(axis=0) for mask in (disc, joint)]
    assert np.abs(middle_of[0] - middle_of[1]).max() < 1.1


def test_stretch_is_opencvs_resize() -> None:
    image = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    frame, scale, offset = resize(image, Recipe(width=140, height=100))
    assert np.array_equal(frame, cv2.resize(image, (140, 100), interpolation=cv2.INTER_LINEAR))
    assert scale.tolist() == [2, 2] and offset.tolist() == [0, 0]


def test_letterbox_keeps_proportions_and_pads_with_grey() -> None:
    image = np.full((100, 100, 3), 7, np.uint8)
    frame, scale, offset = resize(image, Recipe(width=64, height=32, resize="letterbox"))
    assert (frame[:, :16] == 114).all() and (frame[:, 48:] == 114).all()
    assert (frame[:, 16:48] == 7).all()
    assert scale.tolist() == pytest.approx([0.32, 0.32]) and offset.tolist() == [16, 0]


def test_one_pixel_becomes_a_tensor() -> None:
    pixel = np.array([[[10, 20, 30]]], np.uint8)
    for way in ("stretch", "letterbox"):
        tensor = make(pixel, nobody((1, 1)), Recipe(width=64, height=32, resize=way))
        assert tensor.shape == (32, 64, 4) and tensor[..., 3].max() == 0
        assert tensor[16, 32].tolist() == [10, 20, 30, 0]


def test_planes_are_a_list() -> None:
    image = np.full((20, 20, 3), 9, np.uint8)
    poses = person_at((10, 10), (20, 20))
    small: dict[str, Any] = {"width": 40, "height": 40}
    rgb = make(image, None, Recipe(planes=("rgb",), **small))
    heatmap = make(image, poses, Recipe(planes=("heatmap",), **small))
    both = make(image, poses, Recipe(**small))
    turned = make(image, poses, Recipe(planes=("heatmap", "rgb"), **small))
    assert np.array_equal(both, np.dstack([rgb, heatmap]))
    assert np.array_equal(turned, np.dstack([heatmap, rgb]))
    assert both.dtype == np.uint8 and both.flags.c_contiguous
    assert rgb.shape == (40, 40, 3) and heatmap.shape == (40, 40, 1)


def test_inputs_are_not_modified() -> None:
    image = np.full((20, 20, 3), 9, np.uint8)
    poses = person_at((10, 10), (20, 20))
    before = poses.keypoints.copy()
    make(image, poses, Recipe(width=40, height=40))
    assert np.array_equal(poses.keypoints, before) and (image == 9).all()


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(
        planes=("rgb",),
        people="all",
        heatmap=Style("gaussian"),
        pose=PoseModelId("ab", 320, "mpii16"),
    )
    assert Recipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"planes": ("rgb", "depth")}, r"planes must be one of \['rgb', 'heatmap'\]"),
        ({"planes": ("rgb", "rgb")}, "planes must name at least one plane, and none twice"),
        ({"planes": ()}, "planes must name at least one plane, and none twice"),
        ({"people": "tallest"}, "people must be one of"),
        ({"resize": "crop"}, r"resize must be one of \['stretch', 'letterbox'\]"),
        ({"width": 0}, "width must be at least 1"),
        ({"person": "outline"}, r"person must be one of \['crop', 'mask'\]"),
        ({"margin": -0.1}, r"margin must lie in \[0, 10\]. Received: -0.1"),
    ],
)
def test_a_recipe_says_what_is_wrong(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(**wrong)


def test_a_heatmap_needs_poses() -> None:
    with pytest.raises(ValueError, match="A heatmap needs poses"):
        make(np.zeros((4, 4, 3), np.uint8), None, Recipe())


def crowd(boxes: list[list[float]], size: tuple[int, int]) -> Poses:
    """People whose first joint is their box's middle."""
    array = np.array(boxes, np.float32)
    keypoints = np.zeros((len(array), 17, 3), np.float32)
    keypoints[:, 0, :2] = (array[:, :2] + array[:, 2:]) / 2
    keypoints[:, 0, 2] = 1
    return Poses(Path("a.jpg"), size, COCO17, array, np.ones(len(array), np.float32), keypoints)


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ([20, 30, 60, 50], 0.0, (20, 30, 60, 50)),
        ([20, 30, 60, 50], 0.1, (16, 26, 64, 54)),  # a tenth of 40, on each side
        ([20.4, 30.6, 59.5, 49.5], 0.0, (20, 30, 60, 50)),
        ([-9, -9, 30, 30], 0.0, (0, 0, 30, 30)),
        ([80, 40, 200, 200], 0.2, (48, 8, 100, 80)),
        ([50, 40, 50, 40], 0.2, (50, 40, 51, 41)),  # nothing becomes a pixel
        ([300, -80, 400, -20], 0.1, (99, 0, 100, 1)),  # outside: the nearest pixel
    ],
)
def test_the_window_around_a_person(
    box: list[float], margin: float, expected: tuple[int, int, int, int]
) -> None:
    assert window(np.array(box, np.float32), (100, 80), margin) == expected


@pytest.mark.parametrize("way", ["stretch", "letterbox"])
@pytest.mark.parametrize("person", ["crop", "mask"])
def test_one_person_is_shown_with_joint_and_picture_in_place(way: str, person: str) -> None:
    """White discs in the picture and the joints at their middles meet; the other one is gone."""
    people = crowd([[20, 20, 80, 120], [150, 40, 190, 160]], (240, 180))
    image = np.zeros((180, 240, 3), np.uint8)
    for x, y, _ in people.keypoints[:, 0].tolist():
        cv2.circle(image, (int(x), int(y)), 6, (255, 255, 255), cv2.FILLED)
    style = Style(joint_radius=3)
    small: dict[str, Any] = {"width": 160, "height": 120, "resize": way, "heatmap": style}
    recipe = Recipe(people="each", person=person, **small)  # pyright: ignore[reportArgumentType]
    for index in (0, 1):
        tensor = make(image, people, recipe, index)
        disc, joint = tensor[..., 0] > 150, tensor[..., 3] > 0
        assert cv2.connectedComponents(disc.astype(np.uint8))[0] == 2  # background and one disc
        middle_of = [np.argwhere(mask).mean(axis=0) for mask in (disc, joint)]
        assert np.abs(middle_of[0] - middle_of[1]).max() < 1.5


def test_a_crop_is_the_plain_recipe_on_the_cut_picture() -> None:
    image = np.random.default_rng(0).integers(0, 255, (80, 100, 3), np.uint8)
    people = crowd([[0, 0, 10, 10], [20, 30, 60, 50]], (100, 80))
    recipe = Recipe(width=64, height=64, people="each", margin=0.1)
    x1, y1, x2, y2 = window(people.boxes[1], people.size, 0.1)
    alone = crowd([[20 - x1, 30 - y1, 60 - x1, 50 - y1]], (x2 - x1, y2 - y1))
    plain = Recipe(width=64, height=64, people="all")
    assert np.array_equal(make(image, people, recipe, 1), make(image[y1:y2, x1:x2], alone, plain))


def test_a_mask_is_grey_outside_the_window_and_the_picture_inside() -> None:
    image = np.random.default_rng(0).integers(0, 100, (80, 100, 3), np.uint8)
    people = crowd([[20, 30, 60, 50]], (100, 80))
    recipe = Recipe(("rgb",), width=100, height=80, people="each", person="mask", margin=0.1)
    tensor = make(image, people, recipe, 0)
    expected = np.full_like(image, 114)
    expected[26:54, 16:64] = image[26:54, 16:64]
    assert np.array_equal(tensor, expected)


def test_a_person_is_named_where_each_is_shown_and_only_there() -> None:
    image, people = np.zeros((80, 100, 3), np.uint8), crowd([[20, 30, 60, 50]], (100, 80))
    each = Recipe(("rgb",), people="each")
    assert each.needs_poses and each.one_by_one
    with pytest.raises(ValueError, match="needs the index of a person.*people 'each', person None"):
        make(image, people, each)
    with pytest.raises(ValueError, match="takes none for another policy.*people 'all', person 0"):
        make(image, people, Recipe(people="all"), 0)
    with pytest.raises(ValueError, match="so does people 'each'. Received: None"):
        make(image, None, each, 0)
