"""The sections about a classifier: headline, curves, calibration, confusions, classes, mistakes.

In come predictions, their report and the training's history, out come facts. Which pictures
explain a mistake is the caller's business.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

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
    Cards,
    Charts,
    Column,
    Heading,
    Matrix,
    Prose,
    Section,
    SideBySide,
    Table,
    Tiles,
)
from pose_activity.training.report_page.images import Tile

MOST_ROWS = 200  # of the table per class
_WORST_PAIRS = 12
_MISTAKES, _HITS = 16, 8  # that are shown
_BINS = 10


def headline(
    report: Report,
    *,
    unit: str,
    chosen_on: Report | None = None,
    together: str = "",
    figures: Sequence[tuple[str, float]] = (),
    notes: Sequence[Prose] = (),
) -> Section:
    """Returns the figures that come first.

    Args:
        report: Of the split that is reported.
        unit: What it counts, in the plural.
        chosen_on: Scores of the split where choices were made; None where that is the same one.
        together: Which of them depend on each other and were drawn together for the intervals.
        figures: Further shares, with what they are of.
        notes: Below the figures.
    """
    most = max(row["support"] for row in report.per_class.values()) / report.n
    texts = {
        "accuracy": f"accuracy on {report.n} {unit} of the split {report.split}",
        "macro_average_precision": "mean average precision over classes (mAP)",
        "top3_accuracy": "class among the three most probable",
        "accuracy_at_coverage": f"accuracy of the surest {100 * COVERAGE:.0f} %",
        "weighted_precision": "weighted precision",
        "weighted_recall": "weighted recall",
        "macro_f1": "macro F1",
        "ece": "expected calibration error (ECE)",
    }
    cards = [
        (text + _interval(report, name), getattr(report, name))
        for name, text in texts.items()
        if getattr(report, name) is not None
    ]
    cards.append(("always naming the most frequent class", most))
    if chosen_on:
        cards.append(
            (f"accuracy on {chosen_on.split}, where choices were made", chosen_on.accuracy)
        )
    about = _about_intervals(report, unit, together)
    return Section(
        "scores", "Scores", "", [Cards([*cards, *figures]), Prose(about, "soft"), *notes]
    )


def _interval(report: Report, name: str) -> str:
    ends = report.intervals.get(name)
    return f"; 95 % interval {100 * ends[0]:.1f} % to {100 * ends[1]:.1f} %" if ends else ""


def _about_intervals(report: Report, unit: str, together: str) -> str:
    """Returns how the intervals were made, or why there are none."""
    clusters = report.clusters or 0
    if not report.intervals:
        return "There are no intervals: no two answers are known to be independent."
    drawn = f"the {unit} were drawn anew a thousand times"
    if clusters < report.n:
        drawn += f", in {clusters} independent groups ({together})"
    return f"For the intervals (bootstrap), {drawn}."


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


def mistakes_section(
    predictions: Predictions,
    picture_of: Callable[[int], str | None] | None,
    *,
    shape: Literal["single", "pair", "strip"] = "single",
    shown: str = "",
) -> Section:
    """Returns the most confident mistakes, the surest first, and the least confident hits.

    Args:
        predictions: Of the reported split.
        picture_of: Returns a picture of a row as a `data:` URI, None where it cannot be read. None:
            there are no pictures, and a table names the mistakes.
        shape: See `facts.Tiles`.
        shown: What the pictures show, after "with ".
    """
    title, hits_title = "Most confident mistakes", "Least confident hits"
    also = f", with {shown}" * bool(shown)

    def examples(found: np.ndarray, name: str) -> Block:
        rows = [int(row) for row in found]
        if picture_of is None:
            return _examples_table(predictions, rows, name)
        return Tiles([_tile(predictions, row, picture_of(row)) for row in rows], shape)

    wrong = int((predictions.guesses != predictions.labels).sum())
    mistakes = predictions.confident_mistakes(_MISTAKES)
    blocks: list[Block] = [Prose("No prediction was wrong.")]
    if wrong:
        about = f"{len(mistakes)} of {wrong} wrong predictions, the most confident first{also}."
        blocks = [Prose(about), examples(mistakes, title)]
    hits, right = predictions.unsure_hits(_HITS), len(predictions.labels) - wrong
    if right:
        about = f"{len(hits)} of {right} right predictions, the least confident first{also}."
        blocks += [Heading(hits_title), Prose(about), examples(hits, hits_title)]
    return Section("mistakes", "Mistakes", title, blocks)


def _tile(predictions: Predictions, row: int, source: str | None) -> Tile:
    person = int(predictions.persons[row])
    guess, truth = _guess_and_truth(predictions, row)
    return Tile(
        source=source,
        title="{} ({:.2f})".format(*guess),
        details=(
            "true class: {} ({:.2f})".format(*truth),
            *((f"person {person + 1} in the picture",) if person >= 0 else ()),
        ),
        file=predictions.images[row].name,
    )


def _examples_table(predictions: Predictions, rows: Sequence[int], title: str) -> Table:
    heads = ("name", "predicted", "true")
    columns = [Column(heads[0], "name")]
    columns += [c for h in heads[1:] for c in (Column(h, "name"), Column("probability", "figure"))]
    cells = [
        (
            predictions.images[row].as_posix(),
            *(cell for pair in _guess_and_truth(predictions, row) for cell in pair),
        )
        for row in rows
    ]
    return Table(title, columns, cells)


def _guess_and_truth(
    predictions: Predictions, row: int
) -> tuple[tuple[str, float], tuple[str, float]]:
    """Returns the predicted class and the true one, each with its probability."""
    shares = predictions.probabilities[row]
    guess, truth = int(predictions.guesses[row]), int(predictions.labels[row])
    names = predictions.classes
    return (names[guess], float(shares[guess])), (names[truth], float(shares[truth]))
