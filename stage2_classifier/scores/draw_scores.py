"""A `Report` and a `History` as pictures: confusion and curves, in PNG files of bounded size.

Matplotlib is imported inside the functions, and without pyplot: no window, no global state.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.drawing_mark import MARK
from pose_activity.artifacts import atomic
from pose_activity.learning.history import History, title_of
from pose_activity.stage2_classifier.scores import fonts
from pose_activity.stage2_classifier.scores.confusion import (
    count_matrix,
    most_mistaken,
    similarity_order,
)
from pose_activity.stage2_classifier.scores.evaluate import Report

MOST_CLASSES = 60  # that a confusion shows; more would be neither legible nor quick
_LONGEST = 36  # letters of a class name; longer ones would leave no room for the picture


def draw_confusion(report: Report, path: Path) -> None:
    """Writes the share of each true class that was taken for each class.

    Classes that are taken for one another are neighbours. Of more than `MOST_CLASSES`, those with
    the most mistakes are shown, and the title says so.
    """
    shown = most_mistaken(report.confusion, list(report.per_class), MOST_CLASSES)
    counts = count_matrix(report.confusion, shown)
    order = similarity_order(counts)
    counts, names = counts[np.ix_(order, order)], [shown[i] for i in order]
    labels, families, note = _labels(names, list(report.per_class))
    support = np.array([report.per_class[name]["support"] for name in names])
    shares = counts / np.maximum(support[:, None], 1)
    side = 3.2 + 0.34 * max(len(names), 8)
    figure = _figure(side + 0.6, side)
    axes = figure.add_subplot()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    _write_counts(axes, counts, shares)
    ticks = range(len(names))
    font = {"fontsize": 8, "fontfamily": families, "parse_math": False}
    axes.set_xticks(ticks, labels, rotation=90, **font)
    axes.set_yticks(ticks, labels, **font)
    axes.set_xlabel(f"predicted{note}")
    axes.set_ylabel("true")
    axes.set_title(_confusion_title(report, len(names)))
    bar = figure.colorbar(picture, ax=axes, shrink=0.7, pad=0.02)
    bar.set_label("share of the true class")
    _save(figure, path)


def _labels(names: Sequence[str], classes: Sequence[str]) -> tuple[list[str], list[str], str]:
    """Returns labels for names, the fonts that have their letters, and a note below the picture.

    A name whose letters no installed font has would be a row of boxes: it becomes its place among
    the classes.
    """
    texts = [f"{name[: _LONGEST - 1]}…" if len(name) > _LONGEST else name for name in names]
    found, missing = fonts.choose(texts)
    if not missing:
        return texts, found, ""
    labels = [
        f"class {classes.index(name) + 1}" if set(text) & set(missing) else text
        for name, text in zip(names, texts, strict=True)
    ]
    note = (
        "\nclass N: row N of per_class.csv. No installed font has its letters;\n"
        "with one, such as Noto Sans CJK, its name is shown here"
    )
    return labels, found, note


def draw_curves(history: History, path: Path) -> None:
    """Writes each metric over the epochs, training beside validation."""
    from matplotlib.ticker import MaxNLocator

    epochs = [epoch.epoch + 1 for epoch in history.epochs]
    metrics = history.metrics()
    figure = _figure(5 * len(metrics), 4)
    tuned = history.of_phase("fine_tune").epochs
    places = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axes, name in zip(places, metrics, strict=True):
        for series, label in ((name, "training"), (f"val_{name}", "validation")):
            values = history.curve(series)
            if values:  # nothing may have been held out
                axes.plot(epochs, values, marker="o", markersize=3, label=label)
        axes.axvline(history.kept.epoch + 1, color="grey", linestyle=":", label="kept")
        if tuned:
            axes.axvspan(
                tuned[0].epoch + 0.5,
                epochs[-1] + 0.5,
                color="orange",
                alpha=0.1,
                label="fine-tuning",
            )
        axes.set_title(title_of(name))
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0, top=None if name == "loss" else 1.02)
        axes.grid(alpha=0.3)
        axes.legend()
    _save(figure, path)


def _write_counts(axes: Any, counts: np.ndarray, shares: np.ndarray) -> None:
    for row, column in zip(*counts.nonzero(), strict=True):
        axes.text(
            column,
            row,
            str(counts[row, column]),
            ha="center",
            va="center",
            color="white" if shares[row, column] > 0.55 else "black",
            fontsize=7,
        )


def _confusion_title(report: Report, shown: int) -> str:
    title = f"{report.split}: n = {report.n}, accuracy {report.accuracy:.1%}"
    if shown == len(report.per_class):
        return title
    return f"{title}\nthe {shown} of {len(report.per_class)} classes with the most mistakes"


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, metadata={"Software": MARK.decode()})
