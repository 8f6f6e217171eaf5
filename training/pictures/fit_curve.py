"""The learning curve of a linear head: its accuracy on val after learning from parts of train."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from pose_activity.artifacts.atomic import write_json
from pose_activity.stage2_classifier.frozen.fit import fit_head
from pose_activity.stage2_classifier.frozen.head import LinearHead
from pose_activity.stage2_classifier.scores.learning_curve import learning_curve
from pose_activity.training.pictures.files import LEARNING_CURVE

_ROUGH = 1e-4  # tolerance of the fits
_REPEATS = 2  # drawings of each part


def write_curve(
    folder: Path,
    vectors: np.ndarray,
    ids: np.ndarray,
    *,
    held_out: np.ndarray,
    held_out_ids: np.ndarray,
    classes: int,
    groups: Sequence[str],
    joints: int,
    head: LinearHead,
    C: float,
    joint_weight: float,
    seed: int,
    threads: int,
) -> None:
    """Writes the learning curve; none where nothing is held out.

    Args:
        folder: Of the step.
        vectors: `(N, D)` float32 of the training pictures.
        ids: `(N,)` class ids.
        held_out: `(M, D)` of val.
        held_out_ids: `(M,)` class ids.
        classes: Number of classes.
        groups: N names.
        joints: How many of the last numbers are of joints.
        head: That learned from all of them: the last point.
        C: Inverse strength of the penalty, as chosen on all of them.
        joint_weight: Of the joints' scores, as chosen on all of them.
        seed: Of the drawing.
        threads: Fits that are made side by side.
    """
    if not len(held_out):
        return

    def fit(some: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        if len(labels) == len(ids):
            return head.probabilities
        fitted = fit_head(
            some,
            labels,
            classes=classes,
            joints=joints,
            C=C,
            joint_weight=joint_weight,
            tolerance=_ROUGH,
        )
        return fitted.probabilities

    points = learning_curve(
        vectors,
        ids,
        held_out=held_out,
        held_out_labels=held_out_ids,
        fit=fit,
        groups=np.array(groups, dtype=object),
        repeats=_REPEATS,
        seed=seed,
        threads=threads,
    )
    write_json(folder / LEARNING_CURVE, [asdict(point) for point in points])
