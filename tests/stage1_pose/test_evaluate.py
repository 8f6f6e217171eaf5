"""PCKh and OKS against hand-calculated cases and a slow double loop."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from pose_activity.annotations.images import load_rgb, read_size
from pose_activity.annotations.skeleton import COCO17, MPII16, Skeleton
from pose_activity.annotations.types import Poses, Sample
from pose_activity.stage1_pose.evaluate import (
    PictureScore,
    assign,
    derived_pckh,
    label_only,
    oks_by_name,
    pckh,
    score_pictures,
)
from pose_activity.stage1_pose.predict import load

IMAGE = Path("x.jpg")


def labelled(people: ArrayLike, heads: list[float], skeleton: Skeleton = MPII16) -> Sample:
    points = np.asarray(people, np.float32)
    boxes = np.tile(np.array([0, 0, 100, 200], np.float32), (len(points), 1))
    return Sample(IMAGE, (640, 480), skeleton, boxes, points, np.array(heads, np.float32))


def found(people: ArrayLike, skeleton: Skeleton = COCO17) -> Poses:
    points = np.asarray(people, np.float32)
    boxes = np.zeros((len(points), 4), np.float32)
    scores = np.linspace(0.9, 0.5, len(points)).astype(np.float32)
    return Poses(IMAGE, (640, 480), skeleton, boxes, scores, points)


def person(skeleton: Skeleton, **joints: tuple[float, float, float]) -> np.ndarray:
    points = np.zeros((len(skeleton), 3), np.float32)
    for joint, value in joints.items():
        points[skeleton.index(joint)] = value
    return points


def test_joints_are_matched_by_name_across_skeletons():
    label = person(
        MPII16,
        left_knee=(100, 100, 1),  # hit: 5 px away, half a head is 10 px
        right_knee=(50, 100, 0.5),  # hidden, exactly on the border: hit
        left_wrist=(10, 10, 1),  # 11 px away: missed
        right_wrist=(30, 10, 1),  # not predicted: missed
        pelvis=(70, 70, 1),  # COCO has none: not counted
    )
    guess = person(
        COCO17,
        left_knee=(103, 104, 0.9),
        right_knee=(60, 100, 0.2),
        left_wrist=(21, 10, 0.9),
        left_hip=(1, 1, 0.9),
        nose=(7, 7, 0.9),
    )
    assert pckh([found([guess])], [labelled([label], [20])]) == {
        "pckh50": 0.5,
        "pckh50_per_joint": {
            "left_wrist": 0.0,
            "right_wrist": 0.0,
            "left_knee": 1.0,
            "right_knee": 1.0,
        },
        "n_people": 1,
        "n_joints": 4,
    }


@pytest.mark.parametrize(("threshold", "share"), [(0.1, 0.0), (0.5, 1.0)])
def test_the_threshold_is_in_head_sizes(threshold: float, share: float):
    sample = labelled([person(MPII16, left_knee=(100, 100, 1))], [20])
    result = pckh([found([person(COCO17, left_knee=(104, 100, 1))])], [sample], threshold=threshold)
    assert result[f"pckh{round(100 * threshold)}"] == share


def test_people_without_a_head_size_are_left_out():
    sample = labelled([person(MPII16, left_knee=(100, 100, 1))], [0])
    result = pckh([found([person(COCO17, left_knee=(100, 100, 1))])], [sample])
    assert result == {"pckh50": None, "pckh50_per_joint": {}, "n_people": 0, "n_joints": 0}


def test_nobody_found_is_all_missed():
    sample = labelled([person(MPII16, left_knee=(100, 100, 1))], [20])
    assert pckh([found(np.zeros((0, 17, 3)))], [sample])["pckh50"] == 0


def test_nobody_labelled():
    empty = labelled(np.zeros((0, 16, 3)), [])
    assert pckh([found([person(COCO17, left_knee=(1, 1, 1))])], [empty])["n_people"] == 0


def test_each_found_person_is_taken_once_the_best_pair_first():
    left = person(MPII16, left_knee=(100, 100, 1), right_knee=(80, 100, 1))
    right = person(MPII16, left_knee=(120, 100, 1), right_knee=(100, 100, 1))
    guess = person(COCO17, left_knee=(118, 100, 1), right_knee=(98, 100, 1))
    assert assign(found([guess]), labelled([left, right], [9, 9])).tolist() == [-1, 0]


def test_oks_by_hand():
    sample = labelled([person(MPII16, left_knee=(100, 100, 1), left_ankle=(100, 150, 1))], [20])
    guess = found([person(COCO17, left_knee=(106, 108, 1), left_ankle=(100, 150, 1))])
    area = 0.53 * 100 * 200
    knee = np.exp(-(10**2) / (2 * area * (2 * 0.087) ** 2))
    assert oks_by_name(guess, sample) == pytest.approx(np.array([[(knee + 1) / 2]]))


def test_oks_equals_a_slow_double_loop_over_people_and_joints():
    rng = np.random.default_rng(0)
    labels = np.concatenate([rng.uniform(0, 200, (4, 17, 2)), np.ones((4, 17, 1))], axis=2)
    labels[rng.random((4, 17)) < 0.3] = 0
    guesses = np.concatenate(
        [labels[::-1, :, :2] + rng.normal(0, 9, (4, 17, 2)), np.ones((4, 17, 1))], axis=2
    )
    sample, pose = labelled(labels, [1] * 4, COCO17), found(guesses)
    # Source: pycocotools' kpt_oks_sigmas
    sigmas = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
    slow = np.zeros((4, 4))
    for i in range(4):
        for j in range(4):
            terms = [
                np.exp(
                    -((sample.keypoints[i, k, :2] - pose.keypoints[j, k, :2]) ** 2).sum()
                    / (2 * 0.53 * 20000 * (2 * sigmas[k]) ** 2)
                )
                for k in range(17)
                if labels[i, k, 2] > 0
            ]
            slow[i, j] = sum(terms) / len(terms)
    np.testing.assert_allclose(oks_by_name(pose, sample), slow, rtol=1e-5)
    assert assign(pose, sample).tolist() == [3, 2, 1, 0]


def test_a_label_without_a_box_takes_its_joints_extent():
    sample = labelled([person(MPII16, left_knee=(100, 100, 1), left_ankle=(130, 140, 1))], [20])
    sample.boxes[:] = 0
    boxed = labelled(sample.keypoints, [20])
    boxed.boxes[:] = [[100, 100, 130, 140]]
    guess = found([person(COCO17, left_knee=(101, 102, 1), left_ankle=(125, 140, 1))])
    assert oks_by_name(guess, sample) == pytest.approx(oks_by_name(guess, boxed))


def test_poses_of_other_pictures_are_refused():
    sample = labelled(np.zeros((0, 16, 3)), [])
    with pytest.raises(ValueError, match="Received: 0 poses and 1 samples"):
        pckh([], [sample])


def test_the_pretrained_model_on_five_mpii_photos(data_dir: Path, real_graph: dict):
    folder = data_dir / "mpii" / "images_5"
    samples = []
    for entry in json.loads((folder / "test_mpii.json").read_text(encoding="utf-8")):
        points = np.column_stack([entry["joints"], entry["joints_vis"]]).astype(np.float32)
        path = folder / entry["image"]
        points[
            (points[:, 2] == 0) | (points < 0).any(1) | (points[:, :2] >= read_size(path)).any(1)
        ] = 0
        neck, top = (points[MPII16.index(joint), :2] for joint in ("upper_neck", "head_top"))
        head = float(np.hypot(*(neck - top))) * 0.6 / 0.8
        assert head == pytest.approx(25 * entry["scale"], rel=0.01), "MPII: scale is 8 heads / 200"
        there = points[points[:, 2] > 0, :2]
        box = np.concatenate([there.min(0), there.max(0)])[None]
        samples.append(
            Sample(path, read_size(path), MPII16, box, points[None], np.full(1, head, np.float32))
        )
    poses = load(real_graph["folder"], threads=1)(
        [load_rgb(sample.image) for sample in samples], [sample.image for sample in samples]
    )
    result = pckh(poses, samples)
    assert result["n_people"] == 5 and result["n_joints"] >= 50
    assert result["pckh50"] >= 0.9
    derived = derived_pckh(poses, samples)["pckh50_derived_per_joint"]
    assert derived.keys() == {"pelvis", "thorax", "upper_neck", "head_top"}
    assert min(derived.values()) >= 0.8, derived


def test_only_joints_that_the_labels_have_and_the_poses_lack_are_derived():
    label = person(MPII16, pelvis=(20, 100, 1), left_hip=(30, 100, 1), thorax=(90, 90, 1))
    guess = person(
        COCO17,
        left_hip=(30, 100, 0.9),
        right_hip=(12, 100, 0.9),
        left_shoulder=(30, 50, 0.9),
        right_shoulder=(10, 50, 0.9),
    )
    poses, samples = [found([guess])], [labelled([label], [20])]
    assert derived_pckh(poses, samples) == {
        "pckh50_derived_per_joint": {"pelvis": 1.0, "thorax": 0.0}
    }
    same = [labelled([guess], [20], COCO17)]
    assert derived_pckh(poses, same) == {} and derived_pckh([], []) == {}


def test_labels_of_some_joints_alone():
    sample = labelled([person(MPII16, pelvis=(20, 100, 1), left_hip=(30, 100, 1))], [20])
    kept = label_only(sample, ["left_hip"])
    assert kept.keypoints[..., 2].sum() == 1 and sample.keypoints[..., 2].sum() == 2
    assert kept.keypoints[0, MPII16.index("left_hip")].tolist() == [30, 100, 1]


def test_pictures_are_scored_by_themselves_the_best_first():
    def one(path: str, **joints: tuple[float, float, float]) -> Sample:
        sample = labelled([person(MPII16, **joints)], [20])
        return replace(sample, image=Path(path))

    knee, pelvis = {"left_knee": (100, 100, 1)}, {"pelvis": (70, 70, 1)}
    samples = [one("near", **knee), one("right", **knee), one("unshared", **pelvis)]
    samples += [one("missed", **knee)]
    guesses = [[person(COCO17, left_knee=(112, 100, 1))], [person(COCO17, left_knee=(100, 100, 1))]]
    guesses += [[person(COCO17, left_knee=(1, 1, 1))], np.zeros((0, 17, 3))]
    poses = [
        replace(found(guess), image=sample.image)
        for guess, sample in zip(guesses, samples, strict=True)
    ]
    likeness = np.exp(-(12**2) / (2 * 0.53 * 100 * 200 * (2 * 0.087) ** 2))
    right, near, missed = score_pictures(poses, samples)
    assert right == PictureScore(Path("right"), 1.0, 1.0)
    assert (near.image, near.oks, near.pckh50) == (Path("near"), pytest.approx(likeness), 0.0)
    assert missed == PictureScore(Path("missed"), 0.0, 0.0)


def test_a_picture_counts_everybody_who_is_labelled():
    people = [person(MPII16, left_knee=(100, 100, 1)), person(MPII16, left_knee=(20, 30, 1))]
    guess = person(COCO17, left_knee=(100, 100, 1))
    (score,) = score_pictures([found([guess])], [labelled(people, [0, 0])])
    assert (score.oks, score.pckh50) == (0.5, None)


def test_scores_of_other_pictures_are_refused():
    other = replace(found([person(COCO17)]), image=Path("y.jpg"))
    for score in (pckh, score_pictures):
        with pytest.raises(ValueError, match="one Poses per Sample.*Received: 1 poses"):
            score([other], [labelled([person(MPII16)], [20])])
