"""The numbers of a person's joints, compared with a sheet of paper and with mirrored poses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17, Skeleton
from pose_activity.annotations.types import Poses
from pose_activity.cache import joint_numbers
from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import Recipe, make_arrays

ARM = Skeleton("arm", ("left", "middle", "right"), (("left", "right"),), (("left", "middle"),))


def drawn(skeleton: Skeleton, people: int, seed: int = 0) -> Poses:
    rng = np.random.default_rng(seed)
    boxes = rng.uniform(0, 50, (people, 4))
    boxes[:, 2:] += boxes[:, :2] + 5
    keypoints = rng.uniform(0, 100, (people, len(skeleton), 3))
    keypoints[..., 2] /= 100
    arrays = boxes, rng.uniform(0.3, 1, people), keypoints
    return Poses(Path("a.jpg"), (120, 100), skeleton, *(a.astype(np.float32) for a in arrays))


def mirrored(poses: Poses) -> Poses:
    width = poses.size[0]
    keypoints = poses.keypoints[:, list(poses.skeleton.flip_index)].copy()
    keypoints[..., 0] = np.where(keypoints[..., 2] > 0, width - keypoints[..., 0], 0)
    boxes = poses.boxes[:, [2, 1, 0, 3]].copy()
    boxes[:, [0, 2]] = width - boxes[:, [0, 2]]
    return replace(poses, boxes=boxes, keypoints=keypoints)


def test_the_numbers_by_hand() -> None:
    poses = Poses(
        image=Path("a.jpg"),
        size=(200, 100),
        skeleton=ARM,
        boxes=np.array([[10, 20, 50, 100], [90, 20, 130, 60]], np.float32),
        scores=np.array([0.9, 0.8], np.float32),
        keypoints=np.array(
            [[[10, 100, 0.5], [50, 60, 1], [0, 0, 0]], np.zeros((3, 3))], np.float32
        ),
    )
    row = joint_numbers.make(poses, 0)[0]
    assert len(row) == joint_numbers.size(ARM) == 11 + 9 + 2
    places = [-0.25, 0.5, 0.5, 0.25, 0, 1, 0, 0, 0]  # from (30, 60), in 80 pixels
    direction = np.array([40, -40]) / np.hypot(40, 40) * 0.5
    box = [np.log(0.5), 30 / 200 - 0.5, 60 / 100 - 0.5, np.log(0.2), np.log(0.8), np.log(3)]
    other = [1, 80 / 80, -20 / 80, np.log(0.5)]
    np.testing.assert_allclose(row, [1, *places, *direction, *box, *other], atol=1e-6)


@pytest.mark.parametrize("people", [1, 3])
def test_the_second_row_is_of_the_mirror_image(people: int) -> None:
    poses = drawn(COCO17, people)
    poses.keypoints[0, 3] = 0  # a joint that is missing
    found = joint_numbers.make(poses, 0)
    again = joint_numbers.make(mirrored(poses), 0)
    np.testing.assert_allclose(found[::-1], again, atol=1e-5)


def test_size_and_place_of_a_person_change_no_joint() -> None:
    poses = drawn(COCO17, 1)
    nearer = replace(
        poses, boxes=3 * poses.boxes, size=(360, 300), keypoints=poses.keypoints.copy()
    )
    nearer.keypoints[..., :2] *= 3
    np.testing.assert_allclose(
        joint_numbers.make(poses, 0), joint_numbers.make(nearer, 0), atol=1e-5
    )


def test_nobody_and_a_box_of_one_pixel() -> None:
    nobody = joint_numbers.make(drawn(COCO17, 0), None)
    assert nobody.shape == (2, joint_numbers.size(COCO17)) and not nobody.any()
    poses = drawn(COCO17, 2)
    poses.boxes[:] = 7
    assert np.isfinite(joint_numbers.make(poses, 1)).all()


def test_a_recipe_that_asks_for_them_has_them_beside_the_views() -> None:
    recipe = Recipe(planes=("rgb",), width=64, height=48, person_view=PersonView(joints=True))
    poses = drawn(COCO17, 2)
    arrays = make_arrays(np.zeros((100, 120, 3), np.uint8), poses, recipe)
    assert [*arrays] == [*recipe.arrays] == ["picture", "person", "found", "joints"]
    spec = recipe.arrays["joints"]
    assert (arrays["joints"].shape, arrays["joints"].dtype) == (spec.shape, spec.dtype)
    most = int((poses.scores * np.prod(poses.boxes[:, 2:] - poses.boxes[:, :2], axis=1)).argmax())
    assert np.array_equal(arrays["joints"], joint_numbers.make(poses, most))
    assert Recipe.from_json(recipe.as_json()) == recipe
    without = replace(recipe, person_view=PersonView())
    assert "joints" not in without.arrays and "joints" not in without.as_json()["person_view"]
