"""Precisions are compared person by person and answer by answer; all numbers by hand."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, Sample
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


def labelled(points: np.ndarray, head: float) -> Sample:
    return Sample(
        image=Path("a.jpg"),
        size=(640, 480),
        skeleton=COCO17,
        boxes=np.array([[0, 0, 200, 200]], np.float32),
        keypoints=points.astype(np.float32)[None],
        head_sizes=np.array([head], np.float32),
    )


def test_oks_is_cocos_sum_by_hand() -> None:
    """OKS = mean of exp(-d^2 / (2 s^2 k^2)), k two sigmas, s^2 .53 of the box; d = 6 px here."""
    sigmas = [0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072]
    sigmas += [0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089]
    each = [math.exp(-36 / (2 * 0.53 * 200 * 200 * (2 * sigma) ** 2)) for sigma in sigmas]
    result = compare([row(poses(person()))], [row(poses(person(6)))], min_confidence=0.25)
    assert result.oks_mean == pytest.approx(np.mean(each), abs=1e-5) == result.oks_p5
    assert (result.people, result.lost, result.won, result.pckh_loss) == (1, 0, 0, None)


def test_two_people_in_another_order_are_paired() -> None:
    first, second = person(), person(300)
    result = compare([row(poses(first, second))], [row(poses(second, first))], min_confidence=0.25)
    assert (result.oks_mean, result.people, result.lost, result.won) == (1, 2, 0, 0)


def test_people_lost_and_won_are_counted() -> None:
    """One stays; of the others f32 finds one that is lost, and two are new."""
    reference = [row(poses(person(), person(3000)))]
    other = [row(poses(person(), person(-3000), person(-6000)))]
    result = compare(reference, other, min_confidence=0.25)
    assert (result.people, result.lost, result.won, result.oks_mean) == (2, 1, 2, 1)
    assert any("lost or won" in fault for fault in result.faults)


def test_only_joints_that_are_drawn_count() -> None:
    shaky = person()
    shaky[3:, 2] = 0.1
    moved = shaky.copy()
    moved[3:, 0] += 50
    result = compare([row(poses(shaky))], [row(poses(moved))], min_confidence=0.25)
    assert result.oks_mean == 1


def test_a_person_without_a_sure_joint_is_not_lost() -> None:
    faint = person(confidence=0.1)
    result = compare([row(poses(faint))], [row(poses(faint))], min_confidence=0.25)
    assert (result.lost, result.won, result.oks_mean) == (0, 0, 1)


def test_labels_say_what_is_lost_of_pckh() -> None:
    """Half a head is 10 px: a joint that moved by 11 px is wrong, and 4 of 17 did."""
    moved = person()
    moved[:4, 0] += 11
    reference, other = [row(poses(person()))], [row(poses(moved))]
    labels = {Path("a.jpg"): labelled(person(), 20.0)}
    result = compare(reference, other, min_confidence=0.25, labels=labels)
    assert result.pckh_loss == pytest.approx(4 / 17)
    assert any("PCKh" in fault for fault in result.faults) and "PCKh -23.5 points" in str(result)
    backwards = compare(other, reference, min_confidence=0.25, labels=labels)
    assert backwards.pckh_loss == pytest.approx(-4 / 17)


@pytest.mark.parametrize(("others", "passes"), [(1, True), (2, False)])
def test_one_answer_in_a_hundred_may_differ(others: int, passes: bool) -> None:
    reference = [row(None, image=f"{i}.jpg") for i in range(100)]
    answers = [row(None, "golf" if i < others else "rowing", f"{i}.jpg") for i in range(100)]
    result = compare(reference, answers, min_confidence=0.25)
    assert result.same_activity == pytest.approx(1 - others / 100)
    assert result.oks_mean is None and result.passes is passes


def test_few_pictures_prove_nothing() -> None:
    same = [row(None, image=f"{i}.jpg") for i in range(99)]
    result = compare(same, same, min_confidence=0.25)
    assert result.faults == ["99 pictures are too few (at least 100)"] and not result.passes


def test_poses_alone_are_judged_without_an_activity() -> None:
    bare = [Result(Path("a.jpg"), poses=poses(person()))]
    assert compare(bare, bare, min_confidence=0.25).same_activity is None


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


GOOD = Comparison(
    pictures=150,
    people=200,
    lost=4,
    won=6,
    oks_mean=0.98,
    oks_p5=0.95,
    pckh_loss=0.005,
    same_activity=0.99,
)


def test_the_limits_themselves_are_allowed() -> None:
    assert GOOD.passes and GOOD.faults == []
    assert str(GOOD) == (
        "150 pictures; the activity is the same for 99.0%; OKS with f32's poses 0.980 in the mean "
        "and 0.950 at the 5th percentile, 4 of 200 people lost, 6 won; PCKh -0.5 points"
    )


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        ({"pictures": 99}, "too few"),
        ({"oks_mean": 0.979}, "0.98 in the mean"),
        ({"oks_p5": 0.949}, "0.95 at the 5th percentile"),
        ({"won": 7}, "5% of the people"),
        ({"pckh_loss": 0.0051}, "0.5 points at most"),
        ({"same_activity": 0.989}, "99% of the activities"),
    ],
)
def test_a_hair_beyond_is_refused_with_its_reason(worse: dict, why: str) -> None:
    (fault,) = replace(GOOD, **worse).faults
    assert why in fault and fault in str(replace(GOOD, **worse))
