"""Planes fit the picture that they lie over."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, no_people
from pose_activity.cache.framing import crop_square, resize, window
from pose_activity.cache.heatmap import draw
from pose_activity.cache.options import PersonView, Style
from pose_activity.cache.planes import PoseModelId, Recipe, make, make_arrays


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
        (
            {"planes": ("rgb", "depth")},
            r"planes must be one of \['rgb', 'heatmap', 'parts', 'rgb_person'\]",
        ),
        ({"planes": ("rgb", "rgb")}, "planes must name at least one plane, and none twice"),
        ({"planes": ()}, "planes must name at least one plane, and none twice"),
        ({"people": "tallest"}, "people must be one of"),
        ({"resize": "crop"}, r"resize must be one of \['stretch', 'letterbox'\]"),
        ({"width": 0}, "width must be at least 1"),
        ({"person": "outline"}, r"person must be one of \['crop', 'mask'\]"),
        ({"margin": -0.1}, r"margin must lie in \[0, 10\]. Received: -0.1"),
        (
            {"people": "each", "person_view": PersonView()},
            "person_view shows one person beside the picture: it needs another policy than",
        ),
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
    with pytest.raises(ValueError, match="so do parts, people 'each' and a person_view"):
        make(image, None, each, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"people": "all"}, r"people must be one of \['most_prominent', 'centre', "),
        ({"planes": ()}, "planes must name at least one plane"),
        ({"size": 0}, "size must be at least 1"),
        ({"margin": -0.1}, r"margin must lie in \[0, 10\]"),
    ],
)
def test_a_persons_view_says_what_is_wrong(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PersonView(**wrong)


VIEW = PersonView(size=48)
TWO = Recipe(planes=("rgb",), width=64, height=32, person_view=VIEW)


def test_a_recipe_without_a_view_is_the_one_tensor() -> None:
    image, people = np.full((80, 100, 3), 9, np.uint8), crowd([[20, 30, 60, 50]], (100, 80))
    recipe = Recipe(width=64, height=32)
    arrays = make_arrays(image, people, recipe)
    assert [*arrays] == [*recipe.arrays] == ["x"]
    assert np.array_equal(arrays["x"], make(image, people, recipe))


@pytest.mark.parametrize("planes", [("rgb",), ("heatmap", "rgb")])
def test_two_views_are_the_picture_and_the_square_around_the_person(planes: tuple) -> None:
    image = np.random.default_rng(0).integers(0, 255, (80, 100, 3), np.uint8)
    people = crowd([[0, 0, 10, 10], [20, 30, 60, 50]], (100, 80))
    view = PersonView(planes, size=48, heatmap=Style(joint_radius=2))
    recipe = Recipe(width=64, height=32, person_view=view)
    arrays = make_arrays(image, people, recipe)
    for name, spec in recipe.arrays.items():
        assert arrays[name].shape == spec.shape and arrays[name].dtype == spec.dtype == np.uint8
    assert [*arrays] == [*recipe.arrays] == ["picture", "person", "found"]
    assert np.array_equal(arrays["picture"], make(image, people, Recipe(width=64, height=32)))
    frame, scale, offset = crop_square(image, people.boxes[1], margin=0.125, size=48)
    joints = people.keypoints[[1]] * 1
    joints[..., :2] = joints[..., :2] * scale + offset
    drawn = {"rgb": frame, "heatmap": draw(joints, COCO17, (48, 48), view.heatmap)}
    assert drawn["heatmap"].any()
    assert np.array_equal(arrays["person"], np.dstack([drawn[plane] for plane in planes]))
    assert arrays["found"].tolist() == [1]


def test_who_is_shown_is_the_policys() -> None:
    image = np.zeros((80, 100, 3), np.uint8)
    image[30:50, 20:60] = 200  # the larger one
    people = crowd([[0, 0, 10, 10], [20, 30, 60, 50]], (100, 80))
    people.scores[:] = 0.9, 0.5
    for policy, brightest in (("most_prominent", 200), ("largest", 200), ("top_score", 114)):
        view = PersonView(size=32, margin=0.0, people=policy)  # pyright: ignore[reportArgumentType]
        shown = make_arrays(image, people, Recipe(person_view=view))["person"]
        assert shown[16, 16].tolist() == ([200] * 3 if brightest == 200 else [0] * 3), policy


@pytest.mark.parametrize("planes", [("rgb",), ("rgb", "heatmap")])
def test_where_nobody_is_the_picture_stands_in_and_says_so(planes: tuple) -> None:
    image = np.random.default_rng(0).integers(0, 255, (80, 100, 3), np.uint8)
    arrays = make_arrays(image, nobody((100, 80)), Recipe(person_view=PersonView(planes, size=48)))
    frame, _, _ = resize(image, (48, 48), "letterbox")
    assert np.array_equal(arrays["person"][..., :3], frame)
    assert not arrays["person"][..., 3:].any() and arrays["found"].tolist() == [0]


def test_a_person_of_one_pixel_fills_the_view() -> None:
    image = np.zeros((80, 100, 3), np.uint8)
    image[40, 50] = 10, 20, 30
    for box in ([50.0, 40.0, 51.0, 41.0], [50.4, 40.4, 50.5, 40.5]):
        arrays = make_arrays(image, crowd([box], (100, 80)), TWO)
        assert (arrays["person"] == [10, 20, 30]).all() and arrays["found"].tolist() == [1]


def test_a_view_needs_poses() -> None:
    assert TWO.needs_poses
    with pytest.raises(ValueError, match="and so do parts, people 'each' and a person_view"):
        make_arrays(np.zeros((4, 4, 3), np.uint8), None, TWO)


def test_a_recipe_with_a_view_survives_json() -> None:
    view = PersonView(("heatmap", "rgb"), 64, "centre", 0.5, Style("gaussian"))
    recipe = Recipe(("rgb",), person_view=view)
    assert Recipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe
    assert json.loads(json.dumps(recipe.as_json())) == recipe.as_json()  # as a manifest has it


def test_a_recipe_without_a_view_has_the_json_that_it_always_had() -> None:
    assert Recipe().as_json() == {
        "planes": ["rgb", "heatmap"],
        "width": 640,
        "height": 480,
        "resize": "stretch",
        "people": "centre_and_farthest",
        "person": "crop",
        "margin": 0.2,
        "heatmap": {
            "style": "skeleton",
            "bone_value": 190,
            "joint_value": 250,
            "bone_width": 4,
            "joint_radius": 4,
            "sigma": 8.0,
            "min_confidence": 0.25,
        },
        "pose": {
            "sha256": "",
            "size": 640,
            "skeleton": "coco17",
            "confidence": 0.25,
            "iou": 0.7,
            "max_people": 300,
        },
    }
