"""What a parts network sees of an image and its mask, and the way back to the image's pixels."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.parts import (
    IGNORE,
    LIP20,
    PARTS7,
    PARTS9,
    PARTS15,
    PASCAL7,
    TREE,
)
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Masks, Poses, no_people
from pose_activity.cache import fingerprint
from pose_activity.cache.options import PartsOptions
from pose_activity.cache.parts import PartsRecipe, make_example, make_input, make_target, to_image
from pose_activity.cache.recipes import recipe_of

MIXED = PartsRecipe(width=64, height=48, scheme=PARTS15, labelled=(PARTS9, PASCAL7, LIP20))


def test_a_recipe_comes_back_from_json() -> None:
    bones = PartsRecipe(planes=("rgb", "bones"), scheme=PARTS9)
    for recipe in (MIXED, bones, PartsRecipe(resize="stretch", scheme=PARTS7)):
        assert recipe_of(recipe.as_json()) == recipe
    assert fingerprint.of(MIXED) == fingerprint.of(MIXED) != fingerprint.of(bones)


@pytest.mark.parametrize("labels", [PARTS15, PARTS9, PASCAL7, LIP20])
def test_a_label_means_the_classes_that_its_parts_are_of(labels) -> None:
    for number, members in enumerate(labels.members):
        target = MIXED.tables[labels][number]
        found = {PARTS15.names[i] for i in MIXED.targets[target]}
        assert found == {*members}
        assert (MIXED.membership[target] > 0).tolist() == [name in found for name in TREE]
    assert MIXED.tables[labels][IGNORE] == IGNORE


def test_the_first_targets_are_the_classes() -> None:
    assert MIXED.targets[:15] == tuple((i,) for i in range(15))
    np.testing.assert_array_equal(MIXED.tables[PARTS15][:15], np.arange(15))


def test_finer_labels_stand_for_the_class_that_they_lie_in() -> None:
    recipe = PartsRecipe(scheme=PARTS7, labelled=(PARTS15,))
    assert len(recipe.targets) == 7
    hand = recipe.tables[PARTS15][PARTS15.index("left_hand")]
    assert PARTS7.names[hand] == "lower_arm"


def test_labels_that_cut_through_a_class_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'left_arm' of lip20.*finer scheme"):
        PartsRecipe(scheme=PARTS9, labelled=(LIP20,))


def test_planes_are_rgb_and_perhaps_bones() -> None:
    with pytest.raises(ValueError, match=r"\[rgb, bones\]"):
        PartsOptions(planes=("bones",))


def test_the_mask_lies_on_the_picture_in_the_letterbox() -> None:
    recipe = PartsRecipe(width=60, height=40, scheme=PARTS9)
    image, ids = np.zeros((80, 40, 3), np.uint8), np.zeros((80, 40), np.uint8)
    image[20:60, 10:30], ids[20:60, 10:30] = 200, 5
    arrays = make_example(image, None, Masks(ids, PARTS9), recipe)
    x, y = arrays["x"], arrays["y"]
    assert x.shape == (40, 60, 3) and y.shape == (40, 60)
    assert (y[:, :20] == IGNORE).all() and (x[:, :20] == 114).all()
    np.testing.assert_array_equal(y == 5, x[..., 0] == 200)
    answers = np.eye(9, dtype=np.float32)[np.where(y == IGNORE, 1, y)]
    mask, sure = to_image(answers, (40, 80), recipe)
    assert (mask == ids).mean() > 0.99 and sure.min() >= 0.5


def test_a_target_is_shrunk_before_it_is_translated() -> None:
    """Targets are names: between a hand and the background is no other part."""
    recipe = PartsRecipe(width=32, height=32, scheme=PARTS15, labelled=(PASCAL7,))
    ids = np.random.default_rng(0).integers(0, 2, (96, 96)).astype(np.uint8) * 6
    assert {*np.unique(make_target(Masks(ids, PASCAL7), recipe))} <= {0, recipe.tables[PASCAL7][6]}


def test_bones_are_drawn_where_the_joints_are() -> None:
    keypoints = np.zeros((1, 17, 3), np.float32)
    leg = {"left_hip": (40, 60), "left_knee": (40, 100), "left_ankle": (40, 140)}
    for joint, xy in leg.items():
        keypoints[0, COCO17.index(joint)] = *xy, 0.9
    box = np.array([[30, 50, 50, 150]], np.float32)
    poses = Poses(Path("a"), (80, 160), COCO17, box, np.ones(1, np.float32), keypoints)
    recipe = PartsRecipe(planes=("rgb", "bones"), width=80, height=80, scheme=PARTS15)
    x = make_input(np.zeros((160, 80, 3), np.uint8), poses, recipe)
    assert x.shape == (80, 80, 4)
    assert x[40, 40, 3] == TREE.index("left_thigh") and x[60, 40, 3] == TREE.index("left_lower_leg")
    boxes, joints, scores = no_people(COCO17)
    nobody = Poses(Path("a"), (80, 160), COCO17, boxes, scores, joints)
    assert not make_input(np.zeros((160, 80, 3), np.uint8), nobody, recipe)[..., 3].any()
    with pytest.raises(ValueError, match="needs poses"):
        make_input(np.zeros((160, 80, 3), np.uint8), None, recipe)


def test_the_most_probable_class_by_a_slow_loop() -> None:
    answers = np.random.default_rng(1).random((48, 64, 15)).astype(np.float32)
    mask, sure = to_image(answers, (64, 48), MIXED)
    for y, x in ((0, 0), (47, 63), (20, 31)):
        assert mask[y, x] == answers[y, x].argmax() and sure[y, x] == answers[y, x].max()


def test_a_weight_decides_between_classes_and_changes_no_probability() -> None:
    answers = np.full((48, 64, 15), 0.01, np.float32)
    answers[..., 0], answers[..., 4] = 0.5, 0.36
    weights = np.ones(15, np.float32)
    for weight, number in ((1.3, 0), (1.5, 4)):
        weights[4] = weight
        mask, sure = to_image(answers, (64, 48), MIXED, weights)
        assert (mask == number).all() and np.allclose(sure, answers[0, 0, number])
