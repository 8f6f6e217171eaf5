"""The measuring of `benchmarks/ablations.py`: what is looked at, and the heads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ablations, heads
from benchmarks.looks import PERSON, PICTURE, Look, _vectors, joint_numbers, show
from pose_activity.annotations.images import write_image
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.stage2_classifier.frozen import softmax

IMAGE = np.full((100, 200, 3), 90, np.uint8)
BOXES = np.array([[10, 10, 50, 90], [150, 20, 190, 80]], np.float32)


def _poses(people: int) -> Poses:
    keypoints = np.zeros((2, 17, 3), np.float32)
    for person, (x1, y1, x2, y2) in enumerate(BOXES):
        keypoints[person, :, 0] = np.linspace(x1, x2, 17)
        keypoints[person, :, 1] = np.linspace(y1, y2, 17)
        keypoints[person, :, 2] = 0.9
    scores = np.array([0.9, 0.8], np.float32)
    parts = (BOXES[:people], scores[:people], keypoints[:people])
    return Poses(Path("x"), (200, 100), COCO17, *parts)


def test_each_row_differs_from_the_one_it_is_compared_with() -> None:
    for name, row in ablations.ROWS.items():
        other = ablations.ROWS[row.against]
        assert replace(row, against="") != replace(other, against=""), name


@pytest.mark.parametrize("people", [0, 1, 2])
@pytest.mark.parametrize("look", [look for row in ablations.ROWS.values() for look in row.looks])
def test_a_look_has_its_size(look: Look, people: int) -> None:
    shown = show(look, IMAGE, _poses(people))
    if shown is None:
        assert people < 2 and look.area in ("second", "head", "left_hand", "right_hand")
    else:
        assert shown[0].shape == (look.height, look.width, 3) and shown[0].dtype == np.uint8


def test_who_is_drawn_and_in_which_colour() -> None:
    lines = replace(PICTURE, width=200, height=100, shows="heatmap")
    one, two, coloured = (
        show(look, IMAGE, _poses(2))
        for look in (
            replace(lines, drawn="most_prominent"),
            lines,
            replace(lines, drawn="most_prominent", colours="people"),
        )
    )
    assert one is not None and two is not None and coloured is not None
    assert one[0][:, :100].any() and not one[0][:, 100:].any() and two[0][:, 100:].any()
    assert coloured[0][:, :100, 0].any() and not coloured[0][:, :100, 1:].any()
    assert coloured[0][:, 100:, 1].any() and not coloured[0][:, 100:, [0, 2]].any()


def test_a_mirrored_look_is_its_mirror_image() -> None:
    image = np.random.default_rng(0).integers(0, 255, (100, 200, 3), np.uint8)
    plain, turned = (show(replace(PERSON, mirrored=m), image, _poses(1)) for m in (False, True))
    assert plain is not None and turned is not None
    assert np.array_equal(plain[0][:, ::-1], turned[0])


def test_pixels_that_a_kept_look_shows_are_not_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    write_image(path, np.random.default_rng(0).integers(0, 255, (100, 200, 3), np.uint8))
    poses = replace(_poses(2), image=path)
    kept = {PERSON: np.full(4, 7, np.float32), PICTURE: np.zeros(4, np.float32)}
    asked = [replace(PERSON, people=policy) for policy in ("largest", "top_score")]

    def none(batch: np.ndarray) -> list[np.ndarray]:
        raise AssertionError("looked at")

    for vector in _vectors(poses, kept, asked, none):
        assert (vector == 7).all()
    other = replace(PERSON, margin=0.3)
    (vector,) = _vectors(poses, kept, [other], lambda batch: [np.ones((1, 2, 2, 2), np.float32)])
    assert vector.tolist() == [1, 1, 1, 1]


def test_numbers_of_joints_are_relative_to_the_box() -> None:
    found = joint_numbers(_poses(1))
    assert found.shape == (52,) and not joint_numbers(_poses(0)).any()
    np.testing.assert_allclose(found[:3], [-0.25, -0.5, 0.9], atol=1e-6)  # of a box of 40 x 80
    np.testing.assert_allclose(found[-1], np.log(0.5), atol=1e-6)


def test_answers_are_those_of_fits_in_the_whole_space() -> None:
    rng = np.random.default_rng(0)
    ids = np.arange(60) % 3
    vectors = rng.normal(size=(60, 200)).astype(np.float32)
    vectors[np.arange(60), ids] += 3
    deal = heads.deal(ids, [str(i) for i in range(60)], seed=0)
    (answers,) = heads.linear([vectors], ids, [deal])
    even = (vectors - vectors.mean(0)) / vectors.std(0)
    expected = np.zeros_like(answers)
    for learned, held in deal:
        found = [
            softmax.fit(even[learned], ids[learned], classes=3, C=C, tolerance=1e-9)
            for C in heads.STRENGTHS
        ]
        expected[held] = softmax.probabilities(even[held], found[-1])
    assert (answers.argmax(1) == expected.argmax(1)).mean() > 0.9
    assert (answers.argmax(1) == ids).mean() > 0.6


def test_a_useless_second_classifier_gets_no_share() -> None:
    rng = np.random.default_rng(0)
    ids = np.arange(200) % 4
    good = np.full((200, 4), 0.1, np.float32)
    good[np.arange(200), np.where(np.arange(200) % 10, ids, (ids + 1) % 4)] = 0.7
    noise = rng.dirichlet(np.ones(4), 200).astype(np.float32)
    (mixed,) = heads.mixed([good], [noise], ids)
    assert (mixed.argmax(1) == good.argmax(1)).mean() > 0.97
