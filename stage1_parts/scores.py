"""How right masks of body parts are: arithmetic on class numbers, no model and no files.

Masks are `(H, W)` uint8 class numbers of one `PartScheme`, 0 the background; true pixels that are
`IGNORE` (255) count nowhere. All figures are over the pixels of all images together.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from pose_activity.annotations.parts import IGNORE, PartScheme

_DRAWS, _INSIDE = 1000, 0.95  # of the bootstrap over images
_REACH = 0.0075  # of an image's diagonal: how far a boundary may lie beside the true one
Pair = tuple[np.ndarray, np.ndarray]  # truth, prediction


@dataclass(frozen=True)
class PartsReport:
    """Plain numbers; in [0, 1] where nothing else is said.

    Attributes:
        classes: Their names, in the order of what follows.
        images: How many.
        miou: Mean of the classes' IoU; of those that are there or were said.
        miou_without_background: Likewise of the parts alone.
        iou: By class; None where it neither is there nor was said.
        pixel_accuracy: Share of all pixels that are right.
        body_recall: Correct pixels of parts / all pixels of parts.
        sides_right: Of the pixels whose limb is right, those whose side is, too; None where the
            classes have no sides, or no limb is right.
        boundary_f: Mean of the parts' boundary F (see `boundary_counts`); None without parts.
        confusion: Pixels, by true and by predicted class.
        intervals: Name of a figure -> its 95 % interval, images drawn with replacement.
    """

    classes: tuple[str, ...]
    images: int
    miou: float
    miou_without_background: float | None
    iou: tuple[float | None, ...]
    pixel_accuracy: float
    body_recall: float | None
    sides_right: float | None
    boundary_f: float | None
    confusion: tuple[tuple[int, ...], ...]
    intervals: dict[str, tuple[float, float]]

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


def evaluate(pairs: Iterable[Pair], scheme: PartScheme, *, seed: int = 0) -> PartsReport:
    """Compares predictions with the truth.

    Args:
        pairs: True and predicted mask of each image, of the same shape; read once.
        scheme: The classes of both; merge first where one is finer (`annotations.parts.merge`).
        seed: Of the draws for the intervals.

    Raises:
        ValueError: there is no image, or masks of different shapes.
    """
    counted, edges = [], np.zeros((len(scheme), 4), np.int64)
    for truth, prediction in pairs:
        counted.append(confusion(truth, prediction, len(scheme)))
        edges += boundary_counts(truth, prediction, len(scheme))
    if not counted:
        raise ValueError("Scores need at least one image. Received: none")
    counts = np.stack(counted)
    total = counts.sum(axis=0)
    figures = {name: _known(f(total[None])[0]) for name, f in _figures(scheme).items()}
    return PartsReport(
        classes=scheme.names,
        images=len(counts),
        miou=float(overlaps_mean(total)),
        miou_without_background=figures["miou_without_background"],
        iou=tuple(_known(one) for one in overlaps(total)),
        pixel_accuracy=float(np.trace(total) / max(total.sum(), 1)),
        body_recall=figures["body_recall"],
        sides_right=figures["sides_right"],
        boundary_f=_known(_mean(boundary_f(edges)[1:])),
        confusion=tuple(tuple(row) for row in total.tolist()),
        intervals=intervals(counts, scheme, seed=seed),
    )


def confusion(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Counts an image's pixels: `(C, C)` int64 by true and predicted class.

    Raises:
        ValueError: the shapes differ, or a number is no class.
    """
    if truth.shape != prediction.shape:
        raise ValueError(
            "A prediction must have its mask's size; bring it back to the image first. "
            f"Received: {truth.shape} and {prediction.shape}"
        )
    known = truth != IGNORE
    there, said = truth[known].astype(np.int64), prediction[known].astype(np.int64)
    if max(there.max(initial=0), said.max(initial=0)) >= classes:
        raise ValueError(
            f"Class numbers must be below {classes}. Received: up to "
            f"{max(there.max(initial=0), said.max(initial=0))}"
        )
    flat = np.bincount(there * classes + said, minlength=classes * classes)
    return flat.reshape(classes, classes)


def overlaps(counts: np.ndarray) -> np.ndarray:
    """Returns each class' IoU `(..., C)` of counts `(..., C, C)`; NaN where it never occurs."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    either = counts.sum(axis=-1) + counts.sum(axis=-2) - right
    return np.where(either > 0, right / np.maximum(either, 1), np.nan)


def overlaps_mean(counts: np.ndarray, *, background: bool = True) -> np.ndarray:
    """Returns mIoU `(...)` of counts `(..., C, C)`; NaN where no class occurs."""
    return _mean(overlaps(counts)[..., 0 if background else 1 :])


def body_recall(counts: np.ndarray) -> np.ndarray:
    """Returns correct pixels of parts / all pixels of parts; NaN where there are none."""
    parts = counts[..., 1:, :].sum(axis=(-2, -1))
    right = np.diagonal(counts, axis1=-2, axis2=-1)[..., 1:].sum(axis=-1)
    return np.where(parts > 0, right / np.maximum(parts, 1), np.nan)


def sides_right(counts: np.ndarray, scheme: PartScheme) -> np.ndarray:
    """Returns, of pixels with the right limb, those of the right side; NaN where there are none."""
    right = wrong = np.zeros(counts.shape[:-2])
    for number, other in enumerate(scheme.flip_index):
        if other != number:
            right = right + counts[..., number, number]
            wrong = wrong + counts[..., number, other]
    limbs = right + wrong
    return np.where(limbs > 0, right / np.maximum(limbs, 1), np.nan)


def boundary_counts(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Counts the pixels of boundaries that lie beside each other.

    A class' boundary is those of its pixels that have one of another class above, below, left or
    right. Two boundaries meet within 0.75 % of the image's diagonal. Source: Csurka et al., "What
    is a good evaluation measure for semantic segmentation?", BMVC 2013.

    Returns:
        `(C, 4)` int64: predicted boundary pixels that are near a true one, all predicted ones, true
        ones that are near a predicted one, all true ones. Pixels to be ignored are none's.
    """
    known = truth != IGNORE
    reach = max(1, round(_REACH * float(np.hypot(*truth.shape))))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    found = np.zeros((classes, 4), np.int64)
    present = np.union1d(np.unique(truth[known]), np.unique(prediction[known]))
    for number in present.tolist():
        there, said = (_boundary(mask == number) & known for mask in (truth, prediction))
        near_there, near_said = (cv2.dilate(e.astype(np.uint8), disc) > 0 for e in (there, said))
        pairs = (said & near_there, said, there & near_said, there)
        found[number] = [np.count_nonzero(one) for one in pairs]
    return found


def boundary_f(edges: np.ndarray) -> np.ndarray:
    """Returns each class' F of precision and recall `(C,)`; NaN where it has no boundary."""
    hit_said, said, hit_there, there = edges.T.astype(float)
    precision = hit_said / np.maximum(said, 1)
    recall = hit_there / np.maximum(there, 1)
    both = np.maximum(precision + recall, 1e-12)
    return np.where(said + there > 0, 2 * precision * recall / both, np.nan)


def intervals(
    counts: np.ndarray, scheme: PartScheme, *, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Returns 95 % intervals of the figures, over images drawn with replacement.

    Args:
        counts: `(N, C, C)`, of each image.
        scheme: The classes.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=_DRAWS)
    sums = (drawn @ counts.reshape(len(counts), -1)).reshape(_DRAWS, *counts.shape[1:])
    ends = [(1 - _INSIDE) / 2, (1 + _INSIDE) / 2]
    found = {}
    for name, figure in _figures(scheme).items():
        values = figure(sums)
        values = values[np.isfinite(values)]
        if len(values):
            low, high = np.quantile(values, ends).tolist()
            found[name] = (low, high)
    return found


def _figures(scheme: PartScheme) -> dict[str, Any]:
    return {
        "miou": overlaps_mean,
        "miou_without_background": lambda counts: overlaps_mean(counts, background=False),
        "body_recall": body_recall,
        "sides_right": lambda counts: sides_right(counts, scheme),
    }


def _boundary(mask: np.ndarray) -> np.ndarray:
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    inner = cv2.erode(mask.astype(np.uint8), cross, borderType=cv2.BORDER_REPLICATE)
    return mask & (inner == 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Returns the mean over the last axis of what is no NaN; NaN where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=-1)
    count = known.sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _known(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
