"""Whether a faster precision may be used: its answers against those of f32 on the same pictures.

In come the rows of two pipelines, out comes a `Comparison`: arithmetic, no graph and no picture.
What counts is what the answers are used for: where people's joints are, for their size (OKS), who
is found at all, how well the poses fit labels where there are any (PCKh), and the activity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.types import Poses, Sample
from pose_activity.inference.results import Result
from pose_activity.stage1_pose.evaluate import body_areas, oks, pair, pckh

LEAST_PICTURES = 100
LEAST_MEAN_OKS = 0.98
LEAST_LOW_OKS = 0.95  # of the 5th percentile: COCO's strictest threshold for the same pose
MOST_OTHER_PEOPLE = 0.05  # people lost and people won, of f32's
MOST_PCKH_LOSS = 0.005
LEAST_SAME = 0.99


@dataclass(frozen=True)
class Comparison:
    """How far a precision moves the answers.

    Attributes:
        pictures: Number of pictures that both answered.
        people: Number of people that f32 finds in them.
        lost: How many of these the other finds no more.
        won: How many the other finds and f32 does not.
        oks_mean: Mean OKS of the people that both find, over the joints that f32 draws; f32's are
            taken for the labels. None without people.
        oks_p5: Its 5th percentile.
        pckh_loss: f32's PCKh@0.5 minus the other's on labelled pictures, in [-1, 1]; None without
            labels.
        same_activity: Share of pictures with the same most probable activity; None where nothing
            was classified.
    """

    pictures: int
    people: int
    lost: int
    won: int
    oks_mean: float | None
    oks_p5: float | None
    pckh_loss: float | None
    same_activity: float | None

    @property
    def pose_faults(self) -> list[str]:
        """What of the poses forbids this precision, a phrase each."""
        found = []
        if self.oks_mean is not None and self.oks_mean < LEAST_MEAN_OKS:
            found.append(f"OKS must be at least {LEAST_MEAN_OKS} in the mean")
        if self.oks_p5 is not None and self.oks_p5 < LEAST_LOW_OKS:
            found.append(f"OKS must be at least {LEAST_LOW_OKS} at the 5th percentile")
        if self.lost + self.won > MOST_OTHER_PEOPLE * self.people:
            found.append(f"at most {MOST_OTHER_PEOPLE:.0%} of the people may be lost or won")
        if self.pckh_loss is not None and self.pckh_loss > MOST_PCKH_LOSS:
            found.append(f"PCKh may fall by {100 * MOST_PCKH_LOSS:g} points at most")
        return found

    @property
    def faults(self) -> list[str]:
        """What forbids this precision, a phrase each; nothing if it may be used."""
        found = self.pose_faults
        if self.pictures < LEAST_PICTURES:
            found.insert(0, f"{self.pictures} pictures are too few (at least {LEAST_PICTURES})")
        if self.same_activity is not None and self.same_activity < LEAST_SAME:
            found.append(f"at least {LEAST_SAME:.0%} of the activities must be the same")
        return found

    @property
    def passes(self) -> bool:
        """Whether every figure keeps its limit."""
        return not self.faults

    def __str__(self) -> str:
        said = [f"{self.pictures} pictures"]
        if self.same_activity is not None:
            said.append(f"the activity is the same for {self.same_activity:.1%}")
        if self.oks_mean is not None:
            said.append(
                f"OKS with f32's poses {self.oks_mean:.3f} in the mean and {self.oks_p5:.3f} at "
                f"the 5th percentile, {self.lost} of {self.people} people lost, {self.won} won"
            )
        if self.pckh_loss is not None:
            said.append(f"PCKh {-100 * self.pckh_loss:+.1f} points")
        faults = f". But {'; '.join(self.faults)}" if self.faults else ""
        return "; ".join(said) + faults

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


def compare(
    reference: Sequence[Result],
    other: Sequence[Result],
    *,
    min_confidence: float,
    labels: Mapping[Path, Sample] | None = None,
) -> Comparison:
    """Compares answers picture by picture.

    Args:
        reference: Of the f32 pipeline, whole pictures or persons.
        other: Of the pipeline in question, for the same pictures.
        min_confidence: Joints that f32 found with more than this are compared.
        labels: Picture -> its labelled people, where there are any.

    Raises:
        ValueError: not one picture was answered.
    """
    first, second = _by_image(reference), _by_image(other)
    both = [image for image in first if image in second]
    if not both:
        raise ValueError("Precisions are compared on pictures. Received: none that can be read")
    poses = [(first[image][0].poses, second[image][0].poses) for image in both]
    found = [(a, b) for a, b in poses if a is not None and b is not None]
    similar = [_similarities(a, b, min_confidence) for a, b in found]
    kept = np.concatenate(similar) if similar else np.zeros(0)
    people = sum(len(a.boxes) for a, _ in found)
    named = [(_activities(first[image]), _activities(second[image])) for image in both]
    classified = any(any(row.ranking for row in first[image]) for image in both)
    return Comparison(
        pictures=len(both),
        people=people,
        lost=people - len(kept),
        won=sum(len(b.boxes) for _, b in found) - len(kept),
        oks_mean=float(kept.mean()) if len(kept) else None,
        oks_p5=float(np.percentile(kept, 5)) if len(kept) else None,
        pckh_loss=_pckh_loss(found, labels or {}),
        same_activity=float(np.mean([a == b for a, b in named])) if classified else None,
    )


def _by_image(rows: Sequence[Result]) -> dict[Path, list[Result]]:
    """Returns the rows of each picture that could be read."""
    grouped: dict[Path, list[Result]] = {}
    for row in rows:
        if row.error is None:
            grouped.setdefault(row.image, []).append(row)
    return grouped


def _similarities(first: Poses, second: Poses, min_confidence: float) -> np.ndarray:
    """Returns the OKS of each person of `first` that `second` has too, `(n,)`."""
    drawn = first.keypoints * (first.keypoints[..., 2:] > min_confidence)
    areas = body_areas(first.boxes, first.keypoints)
    similar = oks(drawn, second.keypoints, joints=first.skeleton.joints, areas=areas)
    # Who has no joint that is drawn is told by all joints.
    bare = ~drawn[..., 2].any(axis=1)
    if bare.any():
        whole = oks(first.keypoints, second.keypoints, joints=first.skeleton.joints, areas=areas)
        similar[bare] = whole[bare]
    partner = pair(similar)
    people = np.flatnonzero(partner >= 0)
    return similar[people, partner[people]]


def _pckh_loss(found: Sequence[tuple[Poses, Poses]], labels: Mapping[Path, Sample]) -> float | None:
    labelled = [(a, b, labels[a.image]) for a, b in found if a.image in labels]
    samples = [sample for *_, sample in labelled]
    before = pckh([a for a, *_ in labelled], samples)["pckh50"]
    after = pckh([b for _, b, _ in labelled], samples)["pckh50"]
    return None if before is None else before - after


def _activities(rows: Sequence[Result]) -> list[str | None]:
    return [row.ranking[0][0] if row.ranking else None for row in rows]
