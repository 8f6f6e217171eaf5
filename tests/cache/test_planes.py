"""Planes fit the picture that they lie over."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from annotations.skeleton import COCO17
from annotations.types import Poses, no_people
from cache.heatmap import Style
from cache.planes import PoseSource, Recipe, make, resize


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
        pose=PoseSource("ab", 320, "mpii16"),
    )
    assert Recipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"planes": ("rgb", "depth")}, "planes must be distinct names"),
        ({"planes": ("rgb", "rgb")}, "planes must be distinct names"),
        ({"planes": ()}, "planes must be distinct names"),
        ({"people": "tallest"}, "people must be one of"),
        ({"resize": "crop"}, "resize must be 'stretch' or 'letterbox'"),
        ({"width": 0}, "size must be positive"),
    ],
)
def test_a_recipe_says_what_is_wrong(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(**wrong)


def test_a_heatmap_needs_poses() -> None:
    with pytest.raises(ValueError, match="A heatmap needs poses"):
        make(np.zeros((4, 4, 3), np.uint8), None, Recipe())
