"""Which tensors a cache is made of: labelled pictures, or the persons in them, and found people.

Pure functions from `Sample`s and `Poses` to `TensorSpec`s; nobody is dropped silently.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pose_activity.annotations.boxes import iou
from pose_activity.annotations.types import Poses, Sample
from pose_activity.cache.tensor_spec import TensorSpec
from pose_activity.stage1_pose.evaluate import oks_by_name, pair, shared_joints

# OKS, or IoU where there are no joints: from here on two people are the same one.
MIN_SIMILARITY = 0.5
_NOBODY = "nobody was found in the picture"
_NOT_FOUND = (
    f"none of the found people is this one (OKS, or IoU without joints, below {MIN_SIMILARITY})"
)


@dataclass(frozen=True)
class Unmatched:
    """A label that became no tensor.

    Attributes:
        image: The picture.
        person: Index of the labelled person; None where the label is the picture's.
        activity: The label.
        reason: One sentence.
    """

    image: Path
    person: int | None
    activity: str
    reason: str


@dataclass
class Selection:
    """What becomes tensors, and what could not.

    Attributes:
        specs: One per tensor.
        unmatched: Labels without a found person.
        notes: Sentences for a person.
    """

    specs: list[TensorSpec] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def whole_pictures(samples: Iterable[Sample], poses: Mapping[Path, Poses]) -> Selection:
    """Takes each picture that has a split and an activity, as a whole.

    Args:
        samples: Labelled pictures.
        poses: What stage 1 found; a picture without an entry has no plane that needs it.
    """
    chosen = Selection()
    without = 0
    for sample in samples:
        if sample.split and sample.activity:
            found = poses.get(sample.image)
            chosen.specs.append(TensorSpec(sample.image, sample.activity, sample.split, found))
        elif sample.split:
            without += 1
    if without:
        chosen.notes.append(
            f"{without} pictures have no activity of their own and are left out"
            " (cache.people: each takes activities by person)."
        )
    return chosen


def each_person(samples: Sequence[Sample], poses: Mapping[Path, Poses]) -> Selection:
    """Takes every person whose activity is known: labelled by person, or by picture.

    Where the data set labels persons, each is paired with a found one (see `match`). Where it
    labels the picture alone, everybody found in it gets that activity.

    Args:
        samples: Labelled pictures that stage 1 has looked at.
        poses: What stage 1 found, one per sample.
    """
    chosen, count = Selection(), Counter[str]()
    for sample in samples:
        if not sample.split:
            continue
        found = poses[sample.image]
        if sample.activities is not None:
            people = _labelled_people(sample, found, chosen, count)
        else:
            people = _everybody(sample, found, chosen, count)
        chosen.specs += [
            TensorSpec(sample.image, activity, sample.split, found, person)
            for person, activity in people
        ]
    chosen.notes += _say(count)
    return chosen


def match(found: Poses, sample: Sample) -> np.ndarray:
    """Pairs labelled people with found ones, the most alike first, each once.

    Two people are alike by their OKS, or by the IoU of their boxes where the label has no joint
    that stage 1 knows; from `MIN_SIMILARITY` on they are the same one.

    Returns:
        `(N,)` int: for each labelled person the index of the found one, or -1.
    """
    joints = [sample.skeleton.index(j) for j in shared_joints(found.skeleton, sample.skeleton)]
    has_joints = np.any(sample.keypoints[:, joints, 2] > 0, axis=1, keepdims=True)
    similarity = np.where(has_joints, oks_by_name(found, sample), iou(sample.boxes, found.boxes))
    return pair(similarity, at_least=MIN_SIMILARITY)


def _labelled_people(
    sample: Sample, found: Poses, chosen: Selection, count: Counter[str]
) -> list[tuple[int, str]]:
    people = []
    for label, (activity, person) in enumerate(
        zip(sample.activities or (), match(found, sample).tolist(), strict=True)
    ):
        if activity is None:
            count["unnamed"] += 1
        elif person >= 0:
            people.append((person, activity))
        else:
            reason = _NOT_FOUND if len(found.boxes) else _NOBODY
            chosen.unmatched.append(Unmatched(sample.image, label, activity, reason))
            count["lost"] += 1
        count["labelled"] += activity is not None
    return people


def _everybody(
    sample: Sample, found: Poses, chosen: Selection, count: Counter[str]
) -> list[tuple[int, str]]:
    if sample.activity is None:
        count["unlabelled"] += 1
        return []
    if not len(found.boxes):
        chosen.unmatched.append(Unmatched(sample.image, None, sample.activity, _NOBODY))
        count["empty"] += 1
    count["pictures"] += len(found.boxes) > 0
    count["everybody"] += len(found.boxes)
    return [(person, sample.activity) for person in range(len(found.boxes))]


def _say(count: Counter[str]) -> list[str]:
    says = {
        "pictures": "{everybody} people found in {pictures} pictures got their picture's activity: "
        "the data set names none by person.",
        "empty": "{empty} pictures are left out, since nobody was found in them: see "
        "unmatched.csv.",
        "lost": "{lost} of {labelled} labelled people are left out, since stage 1 did not find "
        "them: see unmatched.csv.",
        "unnamed": "{unnamed} labelled people have no activity and are left out.",
        "unlabelled": "{unlabelled} pictures have no activity and are left out.",
    }
    known = {name: count[name] for name in (*says, "everybody", "labelled")}
    return [text.format(**known) for name, text in says.items() if count[name]]
