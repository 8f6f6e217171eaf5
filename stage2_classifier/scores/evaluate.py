"""Probabilities and labels into a `Report`: arithmetic on arrays, no model and no files.

Precision of a class that was never predicted, recall of a class that never occurred, and F1 where
both are 0 count as 0. Macro means run over the classes that occur or were predicted, as in
scikit-learn. For single labels, micro precision and recall both equal the accuracy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier.scores.resampling import (
    Interval,
    average_precisions,
    bootstrap,
)
from pose_activity.stage2_classifier.scores.resampling import figures as figures_of


@dataclass(frozen=True)
class Report:
    """How good a classifier is on one split; plain numbers.

    Attributes:
        split: What was evaluated: "train", "val" or "test".
        n: Number of images.
        accuracy: Share of images whose most probable class is right.
        top3_accuracy: Share of images whose class is among the three most probable.
        weighted_precision: Mean over classes, weighted by how often each occurs.
        weighted_recall: Likewise.
        micro_precision: Over all decisions.
        micro_recall: Likewise.
        macro_precision: Plain mean over classes.
        macro_recall: Likewise.
        macro_f1: Plain mean of the classes' F1.
        per_class: Class -> precision, recall, f1, support, average_precision (not in older
            reports).
        confusion: True class -> predicted class -> how often; pairs that never came are left
            out, so that thousands of classes stay small.
        ece: Expected calibration error; see `calibrate.expected_error`. None in older reports.
        ece_uncalibrated: The same before temperature scaling; None where it is not known.
        macro_average_precision: Mean over the classes that occur of the area below their
            precision-recall curve (mAP), as scikit-learn's `average_precision_score`. None in
            older reports.
        accuracy_at_coverage: Accuracy of the 80 % of the images with the most confident answers.
            None in older reports.
        unknown_below: Answers of a smaller probability are called unknown; None: none is.
        answer_coverage: Share of the images with another answer than unknown, or None.
        answer_precision: Share of those answers that are right, or None.
        inputs: What each input is worth: `n` images of `of`, and `rows`, a `Worth` each; None where
            that was not measured.
        clusters: Number of independent units that the images are of: groups, or images.
        intervals: Name of one of these figures -> its 95 % interval, see `resampling.bootstrap`.
    """

    split: str
    n: int
    accuracy: float
    top3_accuracy: float
    weighted_precision: float
    weighted_recall: float
    micro_precision: float
    micro_recall: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    per_class: dict[str, dict[str, float]]
    confusion: dict[str, dict[str, int]]
    ece: float | None = None
    ece_uncalibrated: float | None = None
    macro_average_precision: float | None = None
    accuracy_at_coverage: float | None = None
    unknown_below: float | None = None
    answer_coverage: float | None = None
    answer_precision: float | None = None
    inputs: dict[str, Any] | None = None
    clusters: int | None = None
    intervals: dict[str, Interval] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Report":
        """Builds the report that `as_json` described."""
        intervals = {name: tuple(ends) for name, ends in value.get("intervals", {}).items()}
        return cls(**{**value, "intervals": intervals})


def evaluate(
    probabilities: np.ndarray, labels: np.ndarray, *, classes: Sequence[str], split: str
) -> Report:
    """Scores predictions.

    Args:
        probabilities: `(N, C)` float; N >= 1. Among equal ones the first class wins.
        labels: `(N,)` int class ids.
        classes: C names.
        split: Goes into the report.

    Returns:
        The report.

    Raises:
        ValueError: the arrays do not fit each other or the classes, or N is 0.
    """
    _check(probabilities, labels, len(classes))
    answers = probabilities.argmax(1)
    figures: Any = precision_recall_fscore_support(
        labels,
        answers,
        labels=np.arange(len(classes)),
        zero_division=0,  # type: ignore[arg-type]
    )
    precision, recall, f1, support = figures
    counted = np.union1d(labels, answers)
    accuracy = float((labels == answers).mean())
    of_confident = figures_of(probabilities, labels, with_ranks=False)(np.ones((1, len(labels))))
    ranked = average_precisions(probabilities, labels)
    columns = {"precision": precision, "recall": recall, "f1": f1}
    return Report(
        split=split,
        n=len(labels),
        accuracy=accuracy,
        top3_accuracy=float((_ranks(probabilities, labels) < 3).mean()),
        weighted_precision=float(np.average(precision, weights=support)),
        weighted_recall=float(np.average(recall, weights=support)),
        micro_precision=accuracy,
        micro_recall=accuracy,
        macro_precision=float(precision[counted].mean()),
        macro_recall=float(recall[counted].mean()),
        macro_f1=float(f1[counted].mean()),
        per_class={
            name: {key: float(column[i]) for key, column in columns.items()}
            | {"support": int(support[i]), "average_precision": ranked.get(i, 0.0)}
            for i, name in enumerate(classes)
        },
        confusion=_confusion(labels, answers, classes),
        ece=calibrate.expected_error(probabilities, labels),
        macro_average_precision=float(np.mean([*ranked.values()])),
        accuracy_at_coverage=float(of_confident["accuracy_at_coverage"][0]),
    )


def with_intervals(
    report: Report, probabilities: np.ndarray, labels: np.ndarray, *, clusters: np.ndarray
) -> Report:
    """Returns a report with 95 % intervals of its figures.

    Args:
        report: Of these answers.
        probabilities: `(N, C)`.
        labels: `(N,)` class ids.
        clusters: `(N,)` int: answers of the same number depend on each other.
    """
    intervals = bootstrap(probabilities, labels, clusters=clusters)
    return replace(report, clusters=len(np.unique(clusters)), intervals=intervals)


def with_unknown(
    report: Report, probabilities: np.ndarray, labels: np.ndarray, *, below: float | None
) -> Report:
    """Returns a report with what is left where answers below a probability are unknown.

    Args:
        report: Of these answers.
        probabilities: `(N, C)`.
        labels: `(N,)` class ids.
        below: The probability; None or 0 adds nothing.
    """
    given = probabilities.max(1) >= (below or 0)
    if not below or not given.any():
        return report
    right = (probabilities.argmax(1) == labels)[given]
    return replace(
        report,
        unknown_below=below,
        answer_coverage=float(given.mean()),
        answer_precision=float(right.mean()),
    )


def _ranks(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns how many classes are before the true one, `(N,)` int: equal ones in their order.

    Sorting is far slower, and scikit-learn's top-k score lets the last of equal classes win.
    """
    of_label = np.take_along_axis(probabilities, labels[:, None], axis=1)
    earlier = np.arange(probabilities.shape[1]) < labels[:, None]
    ties = (probabilities == of_label) & earlier
    return (probabilities > of_label).sum(1) + ties.sum(1)


def _confusion(
    labels: np.ndarray, answers: np.ndarray, classes: Sequence[str]
) -> dict[str, dict[str, int]]:
    pairs, counts = np.unique(np.stack([labels, answers], axis=1), axis=0, return_counts=True)
    table: dict[str, dict[str, int]] = {}
    for label, answer, count in zip(*pairs.T, counts, strict=True):
        table.setdefault(classes[int(label)], {})[classes[int(answer)]] = int(count)
    return table


def _check(probabilities: np.ndarray, labels: np.ndarray, classes: int) -> None:
    if not len(labels) or probabilities.shape != (len(labels), classes):
        raise ValueError(
            f"probabilities must be (N, {classes}) and labels (N,), N >= 1. "
            f"Received: {probabilities.shape} and {labels.shape}"
        )
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities must be finite. Received: NaN or infinity")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels must be class ids in 0..{classes - 1}. "
            f"Received: {int(labels.min())}..{int(labels.max())}"
        )
