"""The section with the figures that come first, each with its interval.

In comes a report, out come facts.
"""

from collections.abc import Sequence

from pose_activity.stage2_classifier.scores.evaluate import Report
from pose_activity.stage2_classifier.scores.resampling import COVERAGE
from pose_activity.training.report_page.facts import Cards, Prose, Section


def headline_section(
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
