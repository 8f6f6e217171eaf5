"""OKS mAP against hand-made cases and a slow loop that follows COCO's own evaluation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, Sample
from pose_activity.stage1_pose.average_precision import average_precision, oks_map
from pose_activity.stage1_pose.evaluate import oks_by_name


def crowd(number: int, rng: np.random.Generator) -> tuple[Poses, Sample]:
    """Some labelled people; found are most of them, more or less well, and some others."""
    path, size = Path(f"{number}.jpg"), (400, 300)
    people, count = int(rng.integers(0, 4)), len(COCO17)
    labels = np.ones((people, count, 3), np.float32)
    labels[..., :2] = rng.uniform(0, 300, (people, count, 2))
    boxes = np.tile(np.array([0, 0, 300, 300], np.float32), (people, 1))
    sample = Sample(path, size, COCO17, boxes, labels, np.ones(people, np.float32))
    others = rng.uniform(0, 300, (int(rng.integers(0, 3)), count, 3)).astype(np.float32)
    others[..., 2] = 1
    noise = rng.normal(0, rng.choice([2, 8, 20]), labels[..., :2].shape)
    found = labels.copy()
    found[..., :2] += noise.astype(np.float32)
    points = np.concatenate([found, others])
    scores = np.sort(rng.random(len(points)).astype(np.float32))[::-1].copy()
    return Poses(path, size, COCO17, np.zeros((len(points), 4), np.float32), scores, points), sample


def slow(poses: list[Poses], samples: list[Sample], least: float) -> float:
    """COCOeval.evaluateImg and accumulate, line by line."""
    found, people = [], sum(len(sample.boxes) for sample in samples)
    for pose, sample in zip(poses, samples, strict=True):
        taken, similarity = set(), oks_by_name(pose, sample)
        for i in range(len(pose.scores)):
            best, match = min(least, 1 - 1e-10), -1
            for g in range(len(sample.boxes)):
                if g not in taken and similarity[g, i] >= best:
                    best, match = similarity[g, i], g
            taken |= {match} - {-1}
            found.append((pose.scores[i], match >= 0))
    found.sort(key=lambda pair: -pair[0])
    tp = np.cumsum([hit for _, hit in found])
    precision = list(tp / np.arange(1, len(found) + 1))
    for i in range(len(precision) - 1, 0, -1):
        precision[i - 1] = max(precision[i - 1], precision[i])
    at = np.searchsorted(tp / people, np.linspace(0, 1, 101), side="left")
    return float(np.mean([precision[i] if i < len(precision) else 0 for i in at]))


def test_it_equals_coco_s_evaluation() -> None:
    rng = np.random.default_rng(1)
    poses, samples = (list(part) for part in zip(*(crowd(i, rng) for i in range(40)), strict=True))
    result = oks_map(poses, samples)
    assert result["oks_map50"] == pytest.approx(slow(poses, samples, 0.5))
    each = [slow(poses, samples, least) for least in np.linspace(0.5, 0.95, 10)]
    assert result["oks_map"] == pytest.approx(np.mean(each))
    assert 0.1 < np.mean(each) < 0.9, each


def test_precision_by_hand() -> None:
    assert average_precision(np.array([True, True]), 2) == pytest.approx(1)
    # recall .5 at precision 1, recall 1 at precision 2/3
    assert average_precision(np.array([True, False, True]), 2) == pytest.approx(
        (51 + 50 * 2 / 3) / 101
    )
    assert average_precision(np.zeros(0, bool), 3) == 0


def test_nobody_labelled_or_found() -> None:
    pose, sample = crowd(0, np.random.default_rng(3))
    assert len(sample.boxes) and len(pose.scores)
    nobody = sample.take([])
    assert oks_map([pose], [nobody]) == {"oks_map": None, "oks_map50": None}
    unlabelled = replace(sample, keypoints=np.zeros_like(sample.keypoints))
    assert oks_map([pose], [unlabelled])["oks_map"] is None
    empty = np.zeros((0, 17, 3), np.float32)
    blind = replace(pose, boxes=pose.boxes[:0], scores=pose.scores[:0], keypoints=empty)
    assert oks_map([blind], [sample]) == {"oks_map": 0.0, "oks_map50": 0.0}
