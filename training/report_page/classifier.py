"""The section about a classifier: curves, calibration, coverage, confusions, classes.

In come predictions, their report and the training's history, out come facts.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from pose_activity.learning.history import History, title_of
from pose_activity.stage2_classifier.scores.confusion import (
    confused_pairs,
    count_matrix,
    most_mistaken,
    similarity_order,
)
from pose_activity.stage2_classifier.scores.curves import coverage_curve, precision_recall_curves
from pose_activity.stage2_classifier.scores.draw_scores import MOST_CLASSES
from pose_activity.stage2_classifier.scores.evaluate import Report
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.stage2_classifier.scores.resampling import COVERAGE, wilson
from pose_activity.training.report_page import charts
from pose_activity.training.report_page.facts import (
    Block,
    Charts,
    Column,
    Heading,
    Matrix,
    Prose,
    Section,
    SideBySide,
    Table,
)

MOST_ROWS = 200  # of the table per class
_WORST_PAIRS = 12
_BINS = 10


def classifier_section(
    predictions: Predictions,
    report: Report,
    history: History,
    *,
    unit: str,
    inputs: Sequence[Block] = (),
    beside: Sequence[Block] = (),
) -> Section:
    """Returns how the classifier was trained, how sure it is, and what it confuses.

    Args:
        predictions: Of the reported split.
        report: Their scores.
        history: Of the training; an empty one shows no curves.
        unit: What was classified, in the plural.
        inputs: What the network was shown.
        beside: Further figures, beside the confusions.
    """
    blocks = [
        *training_blocks(history),
        *inputs,
        SideBySide([_calibration(predictions, report), [*_confusions(report, unit), *beside]]),
        *_curves(predictions, report),
        *_per_class(report, unit),
        *_matrix(report),
    ]
    return Section("classifier", "Classifier", "Stage 2: classifier", blocks)


def training_blocks(history: History) -> list[Block]:
    """Returns the curves of a training, and which epoch was kept; nothing without an epoch."""
    if not history.epochs:
        return []
    epochs, kept = [epoch.epoch + 1 for epoch in history.epochs], history.kept
    marks: dict[str, float] = {"kept": kept.epoch + 1}
    tuned = history.of_phase("fine_tune").epochs
    if tuned and len(tuned) < len(epochs):
        marks["fine-tuning begins"] = tuned[0].epoch + 0.5
    drawn = []
    for name in history.metrics():
        curves = {"training": history.curve(name), "validation": history.curve(f"val_{name}")}
        series = {text: (epochs, curve) for text, curve in curves.items() if curve}
        share = name != "loss"
        title = title_of(name)
        title = title[0].upper() + title[1:]
        drawn.append(
            charts.line_chart(series, title=title, x_label="epoch", share=share, marks=marks)
        )
    minutes = sum(epoch.seconds for epoch in history.epochs) / 60
    text = f"{len(epochs)} epoch{'s' * (len(epochs) > 1)} in {minutes:.1f} minutes. "
    return [Prose(text + _kept(history)), Charts(drawn)]


def _kept(history: History) -> str:
    kept = history.kept
    held_out = {
        n: kept.metrics[f"val_{n}"] for n in history.metrics() if f"val_{n}" in kept.metrics
    }
    if not held_out:
        return f"Kept: epoch {kept.epoch + 1}, the last one: nothing was held out to choose by."
    figures = [
        f"a validation {title_of(name)} of {value:.3f}"
        if name == "loss"
        else f"a validation {title_of(name)} of {100 * value:.1f} %"
        for name, value in held_out.items()
    ]
    *most, last = figures
    chosen = f" It was chosen by the validation {history.chosen_by}." if history.chosen_by else ""
    return f"Kept: epoch {kept.epoch + 1}, with {', '.join(most)} and {last}.{chosen}"


def _calibration(predictions: Predictions, report: Report) -> list[Block]:
    errors = ", ".join(f"{text} {100 * e:.1f} %" for text, e in calibration_rows(report))
    about = (
        f"{errors}. "
        * bool(errors)
        + "On the dotted line, predictions made with a probability of 70 % are right 70 % of the "
        "time. Below it, the classifier is too sure. Larger dots hold more predictions."
    )
    drawn = charts.reliability_chart(reliability_rows(predictions), title="Reliability")
    return [Heading("Calibration"), Prose(about), Charts([drawn])]


def _curves(predictions: Predictions, report: Report) -> list[Block]:
    about = (
        "Left: how many answers are right if only the most confident ones are given. Right: how "
        "many of the answers that name a class are right, over how many of its occurrences are "
        "found, when the least probability is lowered step by step."
    )
    marks = {f"{100 * COVERAGE:.0f} %": COVERAGE}
    if report.answer_coverage is not None and report.answer_precision is not None:
        marks["not called unknown"] = report.answer_coverage
        about += (
            f" With answers of a probability below {report.unknown_below:.3f} called unknown, "
            f"{100 * report.answer_coverage:.1f} % get an answer, and "
            f"{100 * report.answer_precision:.1f} % of those are right."
        )
    answers = predictions.probabilities, predictions.labels
    coverage = charts.line_chart(
        {"accuracy": coverage_curve(*answers)},
        title="Accuracy of the answers that are given",
        x_label="share of answers that are given (coverage)",
        share=True,
        whole=False,
        marks=marks,
    )
    precision = charts.line_chart(
        precision_recall_curves(*answers),
        title="Precision over recall",
        x_label="recall",
        share=True,
        whole=False,
    )
    return [Heading("Coverage and precision"), Prose(about), Charts([coverage, precision])]


def calibration_rows(report: Report) -> list[tuple[str, float]]:
    """Returns (text, error): the expected calibration error, and what it was before calibration."""
    errors = {
        "Expected calibration error (ECE)": report.ece,
        "before calibration": report.ece_uncalibrated,
    }
    return [(text, error) for text, error in errors.items() if error is not None]


def reliability_rows(predictions: Predictions) -> list[tuple[float, float, int]]:
    """Returns (mean confidence, share that was right, count) of ten equal bins of confidence."""
    right = predictions.guesses == predictions.labels
    bins = np.minimum((predictions.confidences * _BINS).astype(int), _BINS - 1)
    inside = [bins == number for number in range(_BINS)]
    return [
        (float(predictions.confidences[which].mean()), float(right[which].mean()), int(which.sum()))
        for which in inside
        if which.any()
    ]


def _confusions(report: Report, unit: str) -> list[Block]:
    rows = confused_pairs(report.confusion)[:_WORST_PAIRS]
    if not rows:
        return []
    columns = (Column("true", "name"), Column("predicted", "name"), Column(unit, "count"))
    title = "Most frequent confusions"
    return [Heading(title), Table(title, columns, rows)]


def _per_class(report: Report, unit: str) -> list[Block]:
    rows, classes = class_rows(report), len(report.per_class)
    some = (
        f"The {len(rows)} of {classes} classes with the most mistakes; all are in "
        "`per_class.csv`, beside this page. "
    )
    columns = (
        Column("class", "name"),
        *(Column(name, "figure") for name in ("precision", "recall", "F1", "AP")),
        Column(unit, "count"),
        Column("95 % interval of precision"),
        Column("and of recall"),
        Column("mostly predicted as", "times"),
    )
    about = some * (len(rows) < classes) + "Click a heading to sort."
    return [Heading("Per class"), Prose(about), Table("Per class", columns, rows, sortable=True)]


def class_rows(report: Report) -> list[tuple[Any, ...]]:
    """Returns the cells of the classes, at most `MOST_ROWS`, those with the most mistakes.

    Class, precision, recall, F1, average precision, support, intervals of precision and recall,
    (most often predicted as, how often). The intervals are Wilson's, of independent answers.
    """
    guessed: Counter[str] = Counter()
    for row in report.confusion.values():
        guessed.update(row)
    rows = []
    for name in most_mistaken(report.confusion, list(report.per_class), MOST_ROWS):
        found, row = report.per_class[name], report.confusion.get(name, {})
        others = {k: v for k, v in row.items() if k != name}
        taken, hits = max(others, key=others.__getitem__, default=""), row.get(name, 0)
        rows.append(
            (
                name,
                *(found.get(key, 0.0) for key in ("precision", "recall", "f1")),
                found.get("average_precision", 0.0),
                found["support"],
                _wilson(hits, guessed[name]),
                _wilson(hits, sum(row.values())),
                (taken, others.get(taken, 0)),
            )
        )
    return rows


def _wilson(hits: int, n: int) -> str:
    if not n:
        return ""
    low, high = wilson(hits, n)
    return f"{low:.2f} to {high:.2f}"


def _matrix(report: Report) -> list[Block]:
    matrix, classes = confusion_matrix(report), len(report.per_class)
    shown = len(matrix.names)
    some = f"The {shown} of {classes} classes with the most mistakes. " * (shown < classes)
    about = (
        f"{some}A row is the true class, a column the predicted one; darker is a larger share of "
        "the row. Classes that are mistaken for each other are side by side. Touch a cell, or "
        "point at it, to read its classes."
    )
    return [Heading("Confusion matrix"), Prose(about), matrix]


def confusion_matrix(report: Report) -> Matrix:
    """Returns the confusions of at most `MOST_CLASSES` classes, alike ones side by side."""
    shown = most_mistaken(report.confusion, list(report.per_class), MOST_CLASSES)
    counts = count_matrix(report.confusion, shown)
    order = similarity_order(counts)
    counts, names = counts[np.ix_(order, order)], [shown[i] for i in order]
    support = [report.per_class[name]["support"] for name in names]
    cells = [
        (int(row), int(column), int(counts[row, column]), counts[row, column] / support[row])
        for row, column in zip(*counts.nonzero(), strict=True)
    ]
    return Matrix(names, cells)
