"""How good poses are: PCKh and OKS of `Poses` against labelled `Sample`s. Arithmetic on arrays.

Joints are matched by name, so COCO17 poses can be compared with MPII16 labels on the joints that
both have. Distances are in pixels of the picture.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.derived_joints import convert, derived_joints
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Poses, Sample

# Source: COCO keypoint evaluation (cocodataset.org/#keypoints-eval), sigmas of the 17 joints.
_SIGMAS = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
}
_OTHER_SIGMA = 0.079  # joints that COCO does not have: as its shoulders
_AREA_OF_BOX = 0.53  # a person's share of the box; as ultralytics and xtcocotools take it


def pckh(
    poses: Sequence[Poses], samples: Sequence[Sample], *, threshold: float = 0.5
) -> dict[str, Any]:
    """Share of joints that are within `threshold` head sizes of their label.

    Every labelled person with a head size takes part. People are assigned one to one within a
    picture, the pair of highest OKS first; a person that nobody was assigned to has missed all
    joints. Missing labels (v = 0) are left out, hidden ones (v = 0.5) count, as in MPII's own
    evaluation. A predicted joint counts whatever its confidence, unless it is missing.

    Source: Andriluka et al., CVPR 2014, section 5 (PCKh).

    Args:
        poses: What was found, one per sample, in the same order.
        samples: Labels.
        threshold: In head sizes.

    Returns:
        `pckh50` over all joints and `pckh50_per_joint` by name (in percent of the threshold: 50
        for 0.5), in [0, 1] or None without any label; `n_people` and `n_joints` that were counted.

    Raises:
        ValueError: poses and samples are not of the same pictures.
    """
    check_pairs(poses, samples)
    hits: dict[str, list[bool]] = {}
    people = 0
    for pose, sample in zip(poses, samples, strict=True):
        joints = shared_joints(pose.skeleton, sample.skeleton)
        partner = assign(pose, sample)
        for person in np.flatnonzero(sample.head_sizes > 0):
            people += 1
            found = pose.keypoints[partner[person]] if partner[person] >= 0 else None
            reach = threshold * sample.head_sizes[person]
            for joint in joints:
                label = sample.keypoints[person, sample.skeleton.index(joint)]
                if label[2] > 0:
                    there = None if found is None else found[pose.skeleton.index(joint)]
                    hits.setdefault(joint, []).append(_is_hit(label, there, reach))
    name = f"pckh{round(100 * threshold)}"
    every = [hit for of_joint in hits.values() for hit in of_joint]
    return {
        name: float(np.mean(every)) if every else None,
        f"{name}_per_joint": {joint: float(np.mean(of_joint)) for joint, of_joint in hits.items()},
        "n_people": people,
        "n_joints": len(every),
    }


def derived_pckh(poses: Sequence[Poses], samples: Sequence[Sample]) -> dict[str, Any]:
    """PCKh@0.5 of the joints that only the labels have, where they can be derived.

    Such as MPII's pelvis and head top from COCO's joints; see `annotations.derived_joints`.

    Returns:
        `pckh50_derived_per_joint` by name; nothing where there is no such joint.

    Raises:
        ValueError: poses and samples are not of the same pictures.
    """
    check_pairs(poses, samples)
    if not poses or not (joints := derived_joints(poses[0].skeleton, samples[0].skeleton)):
        return {}
    # People are paired by all joints; only the derived ones are counted.
    converted = [as_skeleton(pose, s.skeleton) for pose, s in zip(poses, samples, strict=True)]
    per_joint = pckh(converted, samples)["pckh50_per_joint"]
    return {"pckh50_derived_per_joint": {j: per_joint[j] for j in joints if j in per_joint}}


def as_skeleton(pose: Poses, skeleton: Skeleton) -> Poses:
    """Returns poses with the joints of another skeleton, by name or derived."""
    keypoints = convert(pose.keypoints, pose.skeleton, skeleton)
    return replace(pose, skeleton=skeleton, keypoints=keypoints)


@dataclass(frozen=True)
class PictureScore:
    """How well the people of one picture were found.

    Attributes:
        image: The picture.
        oks: Mean over its labelled people of the OKS with the found one assigned to them, in
            [0, 1]; somebody who was not found counts 0.
        pckh50: As `pckh` of this picture alone; None where nobody has a head size.
    """

    image: Path
    oks: float
    pckh50: float | None


def score_pictures(poses: Sequence[Poses], samples: Sequence[Sample]) -> list[PictureScore]:
    """Scores each picture by itself, the best first, by OKS and then PCKh.

    Args:
        poses: What was found, one per sample, in the same order.
        samples: Labels. Pictures in which nobody has a label on a shared joint are left out.

    Raises:
        ValueError: poses and samples are not of the same pictures.
    """
    check_pairs(poses, samples)
    scores = []
    for pose, sample in zip(poses, samples, strict=True):
        labelled = has_joints(pose, sample)
        if labelled.any():
            similarity, partner = oks_by_name(pose, sample), assign(pose, sample)
            each = [
                similarity[i, k] if k >= 0 else 0.0 for i, k in enumerate(partner) if labelled[i]
            ]
            pckh50 = pckh([pose], [sample])["pckh50"]
            scores.append(PictureScore(sample.image, float(np.mean(each)), pckh50))
    return sorted(scores, key=lambda score: (-score.oks, -(score.pckh50 or 0)))


def assign(pose: Poses, sample: Sample) -> np.ndarray:
    """Pairs labelled people with found ones, the highest OKS first, each once.

    Returns:
        `(N,)` int: for each labelled person the index of the found one, -1 where none is left or
        their OKS is 0.
    """
    return pair(oks_by_name(pose, sample))


def pair(similarity: np.ndarray, *, at_least: float = 0.0) -> np.ndarray:
    """Pairs rows with columns, the highest similarity first, each once.

    Args:
        similarity: `(labelled, found)` float in [0, 1]; 0 pairs nobody.
        at_least: A lower similarity pairs nobody either.

    Returns:
        `(labelled,)` int: the column of each row, or -1.
    """
    scores, partner = similarity.copy(), np.full(len(similarity), -1)
    while scores.size and scores.max() > 0 and scores.max() >= at_least:
        person, other = np.unravel_index(scores.argmax(), scores.shape)
        partner[person] = other
        scores[person], scores[:, other] = 0, 0
    return partner


def oks(
    labels: np.ndarray, found: np.ndarray, *, joints: Sequence[str], areas: np.ndarray
) -> np.ndarray:
    """Object keypoint similarity of every labelled person with every found one.

    The mean of exp(-d^2 / (2 s^2 k^2)) over the labelled joints, with d the distance, s^2 the
    person's area and k = 2 sigma. Source: cocodataset.org/#keypoints-eval.

    Args:
        labels: `(N, K, 3)` keypoints.
        found: `(M, K, 3)` keypoints in the same image.
        joints: Names of the K joints.
        areas: `(N,)` square pixels, see `body_areas`.

    Returns:
        `(N, M)` float64 in [0, 1]; 0 for a person without a labelled joint.
    """
    variance = np.array([(2 * _sigma(joint)) ** 2 for joint in joints], np.float64)
    offsets = labels[:, None, :, :2].astype(np.float64) - found[None, :, :, :2]
    squared = (offsets**2).sum(axis=3)
    similarity = np.exp(-squared / (2 * areas[:, None, None] * variance))
    similarity *= found[None, :, :, 2] > 0
    labelled = labels[:, None, :, 2] > 0
    count = np.maximum(labelled.sum(axis=2), 1)
    return (similarity * labelled).sum(axis=2) / count


def oks_by_name(pose: Poses, sample: Sample) -> np.ndarray:
    """Returns the `oks` of labelled and found people over the joints that both skeletons have."""
    joints = shared_joints(pose.skeleton, sample.skeleton)
    return oks(
        sample.keypoints[:, [sample.skeleton.index(joint) for joint in joints]],
        pose.keypoints[:, [pose.skeleton.index(joint) for joint in joints]],
        joints=joints,
        areas=body_areas(sample.boxes, sample.keypoints),
    )


def body_areas(boxes: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    """Returns `(N,)` float64 square pixels, at least 1: 0.53 x the area of each person's box.

    Where the box is empty, the joints' extent takes its place.

    Args:
        boxes: `(N, 4)`.
        keypoints: `(N, K, 3)`.
    """
    extents = boxes[:, 2:] - boxes[:, :2]
    there, xy = keypoints[..., 2:] > 0, keypoints[..., :2]
    high = np.where(there, xy, -np.inf).max(axis=1, initial=-np.inf)
    low = np.where(there, xy, np.inf).min(axis=1, initial=np.inf)
    joints = np.where(there.any(axis=1), high - low, 0)
    box = extents.prod(axis=1)
    areas = _AREA_OF_BOX * np.where(box > 0, box, joints.prod(axis=1)).astype(np.float64)
    return np.maximum(areas, 1.0)


def shared_joints(one: Skeleton, other: Skeleton) -> list[str]:
    """Returns the joint names that both skeletons have, in the first one's order."""
    return [joint for joint in one.joints if joint in other.joints]


def has_joints(pose: Poses, sample: Sample) -> np.ndarray:
    """Returns `(N,)` bool: which labelled people have a label on a joint of both skeletons."""
    joints = [sample.skeleton.index(j) for j in shared_joints(pose.skeleton, sample.skeleton)]
    return np.any(sample.keypoints[:, joints, 2] > 0, axis=1)


def label_only(sample: Sample, joints: Collection[str]) -> Sample:
    """Returns a sample in which only some joints are labelled, such as those of another model."""
    chosen = np.array([joint in joints for joint in sample.skeleton.joints])
    return replace(sample, keypoints=sample.keypoints * chosen[:, None].astype(np.float32))


def check_pairs(poses: Sequence[Poses], samples: Sequence[Sample]) -> None:
    """Refuses poses and labels that are not of the same pictures.

    Raises:
        ValueError: there is not one of each per picture, in the same order.
    """
    if [pose.image for pose in poses] != [sample.image for sample in samples]:
        raise ValueError(
            "Scores need one Poses per Sample, of the same pictures in the same order. "
            f"Received: {len(poses)} poses and {len(samples)} samples"
        )


def _sigma(joint: str) -> float:
    return _SIGMAS.get(joint.rpartition("_")[2], _OTHER_SIGMA)


def _is_hit(label: np.ndarray, found: np.ndarray | None, reach: float) -> bool:
    if found is None or found[2] == 0:
        return False
    return bool(np.hypot(*(label[:2] - found[:2])) <= reach)
