"""Whether fine-tuning made a pose model better or worse than the one it started from.

Both are asked about the same held-out images, and judged on the joints that both of them and the
labels have. Arithmetic on `Poses` and `Sample`s: knows no file and no network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pose_activity.annotations.types import Poses, Sample
from pose_activity.stage1_pose.average_precision import oks_map
from pose_activity.stage1_pose.evaluate import label_only, pckh

FIGURES = {"pckh50": "PCKh@0.5", "oks_map": "OKS mAP"}
_DIGITS = 3  # a fall that nobody sees printed is none

Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class Comparison:
    """What a model found before and after fine-tuning.

    Attributes:
        images: How many were compared.
        joints: The joints that both models and the labels have.
        start: Figure -> value of the model that training started from; None where the labels do not
            give it (PCKh needs head sizes).
        result: The same of the fine-tuned model.
    """

    images: int
    joints: tuple[str, ...]
    start: Figures
    result: Figures

    @property
    def falls(self) -> list[str]:
        """A text for each figure that is lower after fine-tuning; none where it did no harm."""
        return [
            f"{text} {before:.3f} -> {after:.3f}"
            for name, text in FIGURES.items()
            if (before := self.start[name]) is not None
            and (after := self.result[name]) is not None
            and round(after, _DIGITS) < round(before, _DIGITS)
        ]


def compare(
    start: Sequence[Poses], result: Sequence[Poses], samples: Sequence[Sample]
) -> Comparison | None:
    """Compares two models on the same images.

    Args:
        start: What the model before fine-tuning found, one per sample.
        result: The same of the fine-tuned model.
        samples: Labels of held-out images.

    Returns:
        None where there is nothing to compare: no image, no joint that all three have, or nobody
        with a label on one.

    Raises:
        ValueError: poses and samples are not of the same images.
    """
    if not samples:
        return None
    known = [set(of[0].skeleton.joints) for of in (start, result)]
    joints = tuple(j for j in samples[0].skeleton.joints if all(j in names for names in known))
    labels = [label_only(sample, joints) for sample in samples]
    before, after = figures(start, labels), figures(result, labels)
    if before["oks_map"] is None:
        return None
    return Comparison(len(samples), joints, before, after)


def figures(poses: Sequence[Poses], samples: Sequence[Sample]) -> dict[str, float | None]:
    """Returns PCKh@0.5, OKS mAP and OKS mAP at .5 of poses; None where the labels give none."""
    return {"pckh50": pckh(poses, samples)["pckh50"], **oks_map(poses, samples)}
