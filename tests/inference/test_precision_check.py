"""Precisions are compared joint by joint and answer by answer; all numbers by hand."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.inference.precision_check import Comparison, compare
from pose_activity.inference.results import Result

K = len(COCO17)


def poses(*people: np.ndarray) -> Poses:
    keypoints = np.stack(people) if people else np.zeros((0, K, 3))
    boxes = np.array([[0, 0, 200, 200]] * len(people)).reshape(-1, 4)
    return Poses(
        image=Path("a.jpg"),
        size=(640, 480),
        skeleton=COCO17,
        boxes=boxes.astype(np.float32),
        scores=np.ones(len(people), np.float32),
        keypoints=keypoints.astype(np.float32),
    )


def person(dx: float = 0.0, confidence: float = 0.9) -> np.ndarray:
    grid = np.linspace(20, 180, K)
    return np.stack([grid + dx, grid[::-1], np.full(K, confidence)], axis=1)


def row(found: Poses | None, activity: str = "rowing", image: str = "a.jpg", **more) -> Result:
    return Result(Path(image), poses=found, ranking=((activity, 0.9),), **more)


def test_every_joint_moves_by_as_much() -> None:
    result = compare([row(poses(person()))], [row(poses(person(1.5)))], min_confidence=0.25)
    assert result.joint_px_p95 == pytest.approx(1.5, abs=1e-4)
    assert (result.pictures, result.joints, result.same_activity) == (1, K, 1.0)
    assert result.passes


def test_the_95th_percentile_is_numpys() -> None:
    rng = np.random.default_rng(0)
    moved = person()
    moved[:, 0] += rng.uniform(0, 4, K)
    expected = np.percentile(
        np.float32(moved[:, 0]) - np.float32(person()[:, 0]), 95, method="higher"
    )
    result = compare([row(poses(person()))], [row(poses(moved))], min_confidence=0.25)
    assert result.joint_px_p95 == pytest.approx(expected, abs=1e-4)


def test_two_people_in_another_order_are_paired() -> None:
    first, second = person(), person(300)
    result = compare([row(poses(first, second))], [row(poses(second, first))], min_confidence=0.25)
    assert result.joint_px_p95 == 0 and result.joints == 2 * K


def test_a_person_who_is_gone_has_moved_infinitely_far() -> None:
    result = compare([row(poses(person()))], [row(poses())], min_confidence=0.25)
    assert result.joint_px_p95 == np.inf and not result.passes
    assert result.as_json()["joint_px_p95"] is None and result.as_json()["joints_lost"]


def test_only_joints_that_are_drawn_count() -> None:
    shaky = person()
    shaky[3:, 2] = 0.1
    moved = shaky.copy()
    moved[3:, 0] += 50
    result = compare([row(poses(shaky))], [row(poses(moved))], min_confidence=0.25)
    assert result.joints == 3 and result.joint_px_p95 == 0


def test_a_joint_that_is_no_longer_drawn_is_gone() -> None:
    result = compare(
        [row(poses(person()))], [row(poses(person(confidence=0.2)))], min_confidence=0.25
    )
    assert result.joint_px_p95 == np.inf


@pytest.mark.parametrize(("others", "passes"), [(1, True), (2, False)])
def test_one_answer_in_a_hundred_may_differ(others: int, passes: bool) -> None:
    reference = [row(None, image=f"{i}.jpg") for i in range(100)]
    answers = [row(None, "golf" if i < others else "rowing", f"{i}.jpg") for i in range(100)]
    result = compare(reference, answers, min_confidence=0.25)
    assert result.same_activity == pytest.approx(1 - others / 100)
    assert result.joint_px_p95 is None and result.passes is passes


def test_each_persons_answer_counts() -> None:
    found = poses(person(), person(300))
    reference = [row(found, person=0), row(found, "golf", person=1)]
    swapped = [row(found, "golf", person=0), row(found, person=1)]
    assert compare(reference, swapped, min_confidence=0.25).same_activity == 0


def test_unreadable_pictures_say_nothing() -> None:
    broken = Result(Path("b.jpg"), error="not a picture")
    result = compare([row(None), broken], [row(None), broken], min_confidence=0.25)
    assert result.pictures == 1
    with pytest.raises(ValueError, match="Received: none that can be read"):
        compare([broken], [broken], min_confidence=0.25)


def test_the_sentence_names_figures_and_limits() -> None:
    text = str(Comparison(pictures=50, joints=700, joint_px_p95=6.31, same_activity=0.973))
    assert "6.31 px" in text and "at most 2 allowed" in text
    assert "97.3%" in text and "at least 99%" in text and "50 pictures with 700 joints" in text
