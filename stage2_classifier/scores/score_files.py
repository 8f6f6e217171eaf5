"""A `Report` and a `History` into files for people and machines.

metrics.json     the report's numbers
report.md        headline, table per class, the worst confusions, the pictures
per_class.csv    precision, recall, F1, average precision and number of images of every class
confusion.png    share of each true class that was taken for each class
curves.png       loss and accuracy over the epochs

With thousands of classes the text and the picture show the ones with the most mistakes and say so;
the CSV and the JSON file hold all.
"""

from collections.abc import Mapping
from pathlib import Path

from pose_activity.artifacts import atomic, csv_text, markdown
from pose_activity.learning.history import History, title_of
from pose_activity.stage2_classifier.scores.confusion import confused_pairs, most_mistaken
from pose_activity.stage2_classifier.scores.draw_scores import draw_confusion, draw_curves
from pose_activity.stage2_classifier.scores.evaluate import Report
from pose_activity.stage2_classifier.scores.resampling import COVERAGE

_WORST = 10  # confusions named in report.md
_MOST_ROWS = 100  # of report.md's table per class
_FIGURES = ("precision", "recall", "f1", "average_precision")


def write(
    report: Report,
    history: History,
    out: Path,
    *,
    title: str = "Activity classifier",
    facts: Mapping[str, str] | None = None,
    unit: str = "images",
    appendix: str = "",
) -> None:
    """Writes the five files; each is whole or absent.

    Args:
        report: Of the held-out split.
        history: Of the training; an empty one leaves `curves.png` out.
        out: Folder, made if it is not there.
        title: First line of `report.md`.
        facts: Name -> text, further rows of its first table (run, model, minutes).
        unit: What `report.n` counts.
        appendix: Markdown at the end of `report.md`.
    """
    atomic.write_json(out / "metrics.json", report.as_json())
    atomic.write_text(out / "per_class.csv", _csv(report))
    draw_confusion(report, out / "confusion.png")
    if history.epochs:
        draw_curves(history, out / "curves.png")
    body = _text(report, history, title, facts or {}, unit)
    atomic.write_text(out / "report.md", f"{body}\n{appendix}" if appendix else body)


def _text(report: Report, history: History, title: str, facts: Mapping[str, str], unit: str) -> str:
    parts = [
        f"# {title}",
        f"{report.n} {unit} of the split **{report.split}**, {len(report.per_class)} classes.",
        _headline(report, facts),
        "## Per class",
        _class_table(report, unit),
        "## Most frequent confusions",
        _confusion_table(report, unit),
        "![Confusion matrix](confusion.png)",
    ]
    if history.epochs:
        parts += ["## Training", _training(history), "![Training curves](curves.png)"]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _headline(report: Report, facts: Mapping[str, str]) -> str:
    rows = [
        *((text, f"{value:.4f}", interval) for text, value, interval in headline_rows(report)),
        *((name, text, "") for name, text in facts.items()),
    ]
    return markdown.table(("figure", "value", "95 % interval"), rows)


def headline_rows(report: Report) -> list[tuple[str, float, str]]:
    """Returns (text, value, 95 % interval as a text or "") of the figures that come first."""
    figures = {
        "accuracy": "accuracy",
        "top-3 accuracy": "top3_accuracy",
        "mean average precision over classes": "macro_average_precision",
        f"accuracy of the surest {100 * COVERAGE:.0f} %": "accuracy_at_coverage",
        "answers that are not unknown": "answer_coverage",
        "precision of these answers": "answer_precision",
        "weighted precision": "weighted_precision",
        "weighted recall": "weighted_recall",
        "micro precision": "micro_precision",
        "micro recall": "micro_recall",
        "macro precision": "macro_precision",
        "macro recall": "macro_recall",
        "macro F1": "macro_f1",
        "expected calibration error": "ece",
        "expected calibration error, uncalibrated": "ece_uncalibrated",
    }
    rows = [(text, getattr(report, name), name) for text, name in figures.items()]
    return [
        (text, value, interval_text(report, name))
        for text, value, name in rows
        if value is not None
    ]


def headline_table(report: Report) -> list[dict[str, str]]:
    """Returns the figures that a terminal shows: name, value on the split, 95 % interval."""
    return [
        {"figure": text, report.split: f"{value:.4f}", "95 % interval": interval}
        for text, value, interval in headline_rows(report)
        if not text.startswith(("micro", "macro precision", "macro recall"))
    ]


def interval_text(report: Report, name: str) -> str:
    """Returns a figure's 95 % interval, "0.6670 to 0.7310"; nothing where it has none."""
    ends = report.intervals.get(name)
    return f"{ends[0]:.4f} to {ends[1]:.4f}" if ends else ""


def _class_table(report: Report, unit: str) -> str:
    names = most_mistaken(report.confusion, list(report.per_class), _MOST_ROWS)
    rows = [
        (name, *(f"{row.get(key, 0.0):.3f}" for key in _FIGURES), str(row["support"]))
        for name, row in ((name, report.per_class[name]) for name in names)
    ]
    table = markdown.table(("class", "precision", "recall", "F1", "AP", unit), rows)
    if len(names) == len(report.per_class):
        return table
    return (
        f"The {len(names)} of {len(report.per_class)} classes with the most mistakes; all are in "
        f"per_class.csv.\n\n{table}"
    )


def _csv(report: Report) -> str:
    rows = [
        (name, *(f"{row.get(key, 0.0):.4f}" for key in _FIGURES), row["support"])
        for name, row in report.per_class.items()
    ]
    return csv_text.as_text([("class", *_FIGURES, "support"), *rows])


def _confusion_table(report: Report, unit: str) -> str:
    worst = confused_pairs(report.confusion)[:_WORST]
    rows = [(true, taken, str(count)) for true, taken, count in worst]
    return markdown.table(("true", "predicted", unit), rows) if rows else "None."


def _training(history: History) -> str:
    kept = history.kept
    run = (
        f"{len(history.epochs)} epochs in {sum(e.seconds for e in history.epochs) / 60:.1f} "
        f"minutes. Kept: epoch {kept.epoch + 1} ({kept.phase}), "
    )
    held_out = [(title_of(n), kept.metrics.get(f"val_{n}")) for n in history.metrics()]
    figures = [f"validation {name} {value:.4f}" for name, value in held_out if value is not None]
    if not figures:
        return f"{run}the last one: nothing was held out to choose on."
    chosen = [f"chosen by the validation {history.chosen_by}"] if history.chosen_by else []
    return f"{run}{', '.join(figures + chosen)}."
