"""A `Report` and a `History` into files for people and machines.

metrics.json     the report's numbers
report.md        headline, table per class, the worst confusions, the pictures
confusion.png    share of each true class that was taken for each class
curves.png       loss and accuracy over the epochs
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from artifacts import atomic
from stage2_classifier.evaluate import Report
from stage2_classifier.history import History

_WORST = 10  # confusions named in report.md


def write(
    report: Report,
    history: History,
    out: Path,
    *,
    title: str = "Activity classifier",
    facts: Mapping[str, str] | None = None,
) -> None:
    """Writes the four files; each is whole or absent.

    Args:
        report: Of the held-out split.
        history: Of the training; an empty one leaves `curves.png` out.
        out: Folder, made if it is not there.
        title: First line of `report.md`.
        facts: Name -> text, further rows of its first table (run, model, minutes).
    """
    atomic.write_json(out / "metrics.json", report.as_json())
    _draw_confusion(report, out / "confusion.png")
    if history.epochs:
        _draw_curves(history, out / "curves.png")
    atomic.write_text(out / "report.md", _text(report, history, title, facts or {}))


def _text(report: Report, history: History, title: str, facts: Mapping[str, str]) -> str:
    parts = [
        f"# {title}",
        f"{report.n} images of the split **{report.split}**, {len(report.per_class)} classes.",
        _headline(report, facts),
        "## Per class",
        _class_table(report),
        "## Most frequent confusions",
        _confusion_table(report),
        "![Confusion](confusion.png)",
    ]
    if history.epochs:
        parts += ["## Training", _training(history), "![Curves](curves.png)"]
    return "\n\n".join(parts) + "\n"


def _headline(report: Report, facts: Mapping[str, str]) -> str:
    rows = [
        ("accuracy", f"{report.accuracy:.4f}"),
        ("top-3 accuracy", f"{report.top3_accuracy:.4f}"),
        (
            "weighted precision / recall",
            f"{report.weighted_precision:.4f} / {report.weighted_recall:.4f}",
        ),
        ("micro precision / recall", f"{report.micro_precision:.4f} / {report.micro_recall:.4f}"),
        ("macro precision / recall", f"{report.macro_precision:.4f} / {report.macro_recall:.4f}"),
        ("macro F1", f"{report.macro_f1:.4f}"),
        *facts.items(),
    ]
    return _table(("figure", "value"), rows)


def _class_table(report: Report) -> str:
    rows = [
        (name, *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1")), str(row["support"]))
        for name, row in report.per_class.items()
    ]
    return _table(("class", "precision", "recall", "F1", "images"), rows)


def _confusion_table(report: Report) -> str:
    counts = np.array(report.confusion)
    np.fill_diagonal(counts, 0)
    names = list(report.per_class)
    order = np.argsort(-counts, axis=None, kind="stable")[:_WORST]
    places = [divmod(int(place), len(names)) for place in order]
    rows = [(names[a], names[b], str(counts[a, b])) for a, b in places if counts[a, b]]
    return _table(("true", "taken for", "images"), rows) if rows else "None."


def _training(history: History) -> str:
    best = history.best
    return (
        f"{len(history.epochs)} epochs in {sum(e.seconds for e in history.epochs) / 60:.1f} "
        f"minutes. Kept: epoch {best.epoch + 1} ({best.phase}), validation loss "
        f"{best.val_loss:.4f}, validation accuracy {best.val_accuracy:.4f}."
    )


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _draw_confusion(report: Report, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts, names = np.array(report.confusion), list(report.per_class)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = 3.2 + 0.34 * max(len(names), 8)
    figure = Figure(figsize=(side + 0.6, side), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*counts.nonzero(), strict=True):
        colour = "white" if shares[row, column] > 0.55 else "black"
        axes.text(
            column,
            row,
            str(counts[row, column]),
            ha="center",
            va="center",
            color=colour,
            fontsize=7,
        )
    ticks = range(len(names))
    axes.set_xticks(ticks, names, rotation=90, fontsize=8)
    axes.set_yticks(ticks, names, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{report.split}: {report.n} images, accuracy {report.accuracy:.1%}")
    bar = figure.colorbar(picture, ax=axes, shrink=0.7, pad=0.02)
    bar.set_label("share of the true class")
    _save(figure, path)


def _draw_curves(history: History, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = [epoch.epoch + 1 for epoch in history.epochs]
    figure = Figure(figsize=(10, 4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    tuned = history.of_phase("fine_tune").epochs
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for series, label in ((name, "training"), (f"val_{name}", "validation")):
            values = [getattr(epoch, series) for epoch in history.epochs]
            axes.plot(epochs, values, marker="o", markersize=3, label=label)
        axes.axvline(history.best.epoch + 1, color="grey", linestyle=":", label="kept")
        if tuned:
            axes.axvspan(
                tuned[0].epoch + 0.5,
                epochs[-1] + 0.5,
                color="orange",
                alpha=0.1,
                label="fine-tuning",
            )
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0, top=1.02 if name == "accuracy" else None)
        axes.grid(alpha=0.3)
        axes.legend()
    _save(figure, path)


def _save(figure, path: Path) -> None:
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary)
