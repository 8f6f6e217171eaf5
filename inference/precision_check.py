"""Whether a faster precision may be used: its answers against those of f32 on the same pictures.

In come the rows of two pipelines, out comes a `Comparison`: arithmetic, no graph and no picture.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.types import Poses
from pose_activity.inference.results import Result
from pose_activity.stage1_pose.evaluate import body_areas, oks, pair

MOST_JOINT_PX = 2.0  # at the 95th percentile
LEAST_SAME = 0.99


@dataclass(frozen=True)
class Comparison:
    """How far a precision moves the answers.

    Attributes:
        pictures: Number of pictures that both answered.
        joints: Number of joints that f32 draws in them.
        joint_px_p95: 95th percentile of their movement, in pixels of the picture; a joint of a
            person who is no longer found, or that is no longer drawn, has moved infinitely far.
            None without a joint.
        same_activity: Share of answers with the same most probable activity.
    """

    pictures: int
    joints: int
    joint_px_p95: float | None
    same_activity: float

    @property
    def passes(self) -> bool:
        """Whether both figures keep their limits."""
        still = self.joint_px_p95 is None or self.joint_px_p95 <= MOST_JOINT_PX
        return still and self.same_activity >= LEAST_SAME

    def __str__(self) -> str:
        counted = f"measured on {self.pictures} pictures with {self.joints} joints"
        moved = "no joint was drawn"
        if self.joint_px_p95 is not None:
            moved = (
                f"joints move {self.joint_px_p95:.2f} px at the 95th percentile "
                f"(at most {MOST_JOINT_PX:g} allowed)"
            )
        return (
            f"{moved}, the activity is the same for {self.same_activity:.1%} "
            f"(at least {LEAST_SAME:.0%}), {counted}"
        )

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values (infinity as None beside `joints_lost`)."""
        value = asdict(self)
        lost = self.joint_px_p95 is not None and not np.isfinite(self.joint_px_p95)
        return value | {"joint_px_p95": None if lost else self.joint_px_p95, "joints_lost": lost}


def compare(
    reference: Sequence[Result], other: Sequence[Result], *, min_confidence: float
) -> Comparison:
    """Compares answers picture by picture.

    Args:
        reference: Of the f32 pipeline, whole pictures or persons.
        other: Of the pipeline in question, for the same pictures.
        min_confidence: Joints that f32 found with more than this are compared.

    Raises:
        ValueError: not one picture was answered.
    """
    first, second = _by_image(reference), _by_image(other)
    both = [image for image in first if image in second]
    if not both:
        raise ValueError("Precisions are compared on pictures. Received: none that can be read")
    found = [(first[image][0].poses, second[image][0].poses) for image in both]
    moved = [_movement(a, b, min_confidence) for a, b in found if a is not None and b is not None]
    distances = np.concatenate(moved) if moved else np.zeros(0)
    same = [_activities(first[image]) == _activities(second[image]) for image in both]
    return Comparison(
        pictures=len(both),
        joints=len(distances),
        joint_px_p95=_percentile(distances),
        same_activity=float(np.mean(same)),
    )


def _by_image(rows: Sequence[Result]) -> dict[Path, list[Result]]:
    """Returns the rows of each picture that could be read."""
    grouped: dict[Path, list[Result]] = {}
    for row in rows:
        if row.error is None:
            grouped.setdefault(row.image, []).append(row)
    return grouped


def _movement(first: Poses, second: Poses, min_confidence: float) -> np.ndarray:
    """Returns how far each drawn joint of `first` moved, `(n,)` pixels; infinity if it is gone."""
    areas = body_areas(first.boxes, first.keypoints)
    joints = first.skeleton.joints
    partner = pair(oks(first.keypoints, second.keypoints, joints=joints, areas=areas))
    drawn = first.keypoints[..., 2] > min_confidence
    there = np.zeros_like(first.keypoints)
    there[partner >= 0] = second.keypoints[partner[partner >= 0]]
    distance = np.linalg.norm(first.keypoints[..., :2] - there[..., :2], axis=-1)
    distance[there[..., 2] <= min_confidence] = np.inf
    return distance[drawn]


def _activities(rows: Sequence[Result]) -> list[str | None]:
    return [row.ranking[0][0] if row.ranking else None for row in rows]


def _percentile(distances: np.ndarray) -> float | None:
    # "higher": between a finite and an infinite value there is nothing to interpolate.
    return float(np.percentile(distances, 95, method="higher")) if len(distances) else None
