"""The page's part about stage 2: curves, classes, what is taken for what, confident mistakes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from pose_activity.annotations.types import Poses
from pose_activity.cache import poses as stored_poses
from pose_activity.cache.planes import Recipe
from pose_activity.cache.store import Cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.learning.history import History
from pose_activity.stage2_classifier.draw_inputs import draw_seen
from pose_activity.stage2_classifier.scores.confusion import (
    confused_pairs,
    count_matrix,
    most_mistaken,
    similarity_order,
)
from pose_activity.stage2_classifier.scores.draw_scores import MOST_CLASSES
from pose_activity.stage2_classifier.scores.evaluate import Report
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.pictures.stage1 import find_poses
from pose_activity.training.report_page import charts
from pose_activity.training.report_page.images import Tile, data_uri, sheet_uri, try_load

MOST_ROWS = 200  # of the table per class
_WORST_PAIRS = 12
_MISTAKES = 16
_TILE, _SHEET = 420, 1400  # pixels: the longer side of a mistake and of the augmentations
_BINS = 10
_CROWD = 3  # people from which a picture counts as crowded


def gather(run: PictureRun, cache: Cache, answers: Predictions, report: Report) -> dict[str, Any]:
    """Returns what the template shows of stage 2.

    Returns:
        `history`: `curves` and the kept epoch, or None; `classes`: see `class_rows`; `confusion`:
        see `confusion_cells`; `pairs`: (true, taken for, count); `reliability`: a chart;
        `calibration`: see `calibration_rows`; `people`: see `by_people`, or None; `mistakes`:
        tiles, of `n_mistakes`; `augmentations`: a picture or None.
    """
    folder = run.run_dir / "stage2"
    poses = _find_poses(run, cache.recipe, answers)
    whole = cache.recipe.needs_poses and not answers.of_people
    mistakes = answers.confident_mistakes(_MISTAKES)
    reliability = charts.reliability_chart(reliability_rows(answers), title="Reliability")
    return {
        "history": _training(History.read(folder / "history.csv")),
        "classes": class_rows(report),
        "confusion": confusion_cells(report),
        "pairs": confused_pairs(report.confusion)[:_WORST_PAIRS],
        "reliability": reliability,
        "calibration": calibration_rows(report),
        "people": by_people(answers, poses) if whole else None,
        "mistakes": [_tile(answers, i, poses, cache.recipe) for i in mistakes],
        "n_mistakes": int((answers.guesses != answers.labels).sum()),
        "augmentations": sheet_uri(folder / "augmentations.png", _SHEET),
    }


def interval(accuracy: float, n: int) -> tuple[float, float]:
    """Returns Wilson's 95 % interval of a share of n independent answers. Source: scipy."""
    found = binomtest(round(accuracy * n), n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def class_rows(report: Report) -> dict[str, Any]:
    """Returns `rows`: (class, precision, recall, F1, support, most often taken for, how often).

    At most `MOST_ROWS`, those with the most mistakes; `classes` is how many there are.
    """
    rows = []
    for name in most_mistaken(report.confusion, list(report.per_class), MOST_ROWS):
        found = report.per_class[name]
        others = {k: v for k, v in report.confusion.get(name, {}).items() if k != name}
        taken = max(others, key=others.__getitem__, default="")
        figures = (found["precision"], found["recall"], found["f1"], found["support"])
        rows.append((name, *figures, taken, others.get(taken, 0)))
    return {"rows": rows, "classes": len(report.per_class)}


def confusion_cells(report: Report) -> dict[str, Any]:
    """Returns a confusion whose classes stand beside the ones they are taken for.

    Returns:
        `names`: at most `MOST_CLASSES`, in order; `classes`: how many there are; `cells`: (row,
        column, count, share of the true class) of the pairs that came.
    """
    shown = most_mistaken(report.confusion, list(report.per_class), MOST_CLASSES)
    counts = count_matrix(report.confusion, shown)
    order = similarity_order(counts)
    counts, names = counts[np.ix_(order, order)], [shown[i] for i in order]
    support = [report.per_class[name]["support"] for name in names]
    cells = [
        (int(row), int(column), int(counts[row, column]), counts[row, column] / support[row])
        for row, column in zip(*counts.nonzero(), strict=True)
    ]
    return {"names": names, "classes": len(report.per_class), "cells": cells}


def calibration_rows(report: Report) -> list[tuple[str, float]]:
    """Returns (text, error): the expected calibration error, and what it was before calibration."""
    errors = {
        "Expected calibration error (ECE)": report.ece,
        "before calibration": report.ece_uncalibrated,
    }
    return [(text, error) for text, error in errors.items() if error is not None]


def reliability_rows(answers: Predictions) -> list[tuple[float, float, int]]:
    """Returns (mean confidence, share that was right, count) of ten equal bins of confidence."""
    right = answers.guesses == answers.labels
    bins = np.minimum((answers.confidences * _BINS).astype(int), _BINS - 1)
    inside = [bins == number for number in range(_BINS)]
    return [
        (float(answers.confidences[which].mean()), float(right[which].mean()), int(which.sum()))
        for which in inside
        if which.any()
    ]


def by_people(answers: Predictions, poses: Mapping[Path, Poses]) -> list[tuple[str, int, float]]:
    """Returns (people found, pictures, accuracy) for nobody, one, two, and three or more."""
    known = np.array([image in poses for image in answers.images])
    people = np.array([len(poses[i].boxes) if i in poses else 0 for i in answers.images])
    right = answers.guesses == answers.labels
    rows = []
    for number, text in enumerate(("nobody", "one person", "two people", "three or more")):
        which = known & (np.minimum(people, _CROWD) == number)
        if which.any():
            rows.append((text, int(which.sum()), float(right[which].mean())))
    return rows


def _training(history: History) -> dict[str, Any] | None:
    if not history.epochs:
        return None
    epochs = [epoch.epoch + 1 for epoch in history.epochs]
    marks: dict[str, float] = {"kept": history.best.epoch + 1}
    tuned = history.of_phase("fine_tune").epochs
    if tuned and len(tuned) < len(epochs):
        marks["fine-tuning begins"] = tuned[0].epoch + 0.5
    drawn = []
    for name in ("loss", "accuracy"):
        series = {
            text: (epochs, [getattr(epoch, key) for epoch in history.epochs])
            for text, key in (("training", name), ("validation", f"val_{name}"))
        }
        chart = charts.line_chart(
            series, title=name.capitalize(), x_label="epoch", share=name == "accuracy", marks=marks
        )
        drawn.append(chart)
    seconds = sum(epoch.seconds for epoch in history.epochs)
    return {"curves": drawn, "epochs": len(epochs), "seconds": seconds, "best": history.best}


def _find_poses(run: PictureRun, recipe: Recipe, answers: Predictions) -> dict[Path, Poses]:
    """Returns the poses that the cache's planes were drawn from, of pictures that are there."""
    if not recipe.needs_poses:
        return {}
    images = list(dict.fromkeys(answers.images))
    stored = run.run_dir / "cache" / stored_poses.FILE
    return find_poses(run, images, run.run_dir / "stage1", stored).poses


def _tile(answers: Predictions, row: int, poses: Mapping[Path, Poses], recipe: Recipe) -> Tile:
    path, person = answers.images[row], int(answers.persons[row])
    image = try_load(path)
    drawn = None if image is None else draw_seen(image, poses.get(path), recipe, person)
    of_label = answers.probabilities[row, answers.labels[row]]
    who = (f"person {person + 1} in the picture",) if person >= 0 else ()
    return Tile(
        source=None if drawn is None else data_uri(drawn, _TILE),
        title=f"{answers.classes[answers.guesses[row]]} ({answers.confidences[row]:.2f})",
        details=(f"in truth {answers.classes[answers.labels[row]]} ({of_label:.2f})", *who),
        file=path.name,
    )
