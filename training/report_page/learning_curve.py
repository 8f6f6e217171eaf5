"""The blocks that say whether more examples would help.

In come the points of a learning curve as `metrics.json` holds them, out come facts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pose_activity.stage2_classifier.scores.learning_curve import Point, gain_of_doubling
from pose_activity.training.report_page import charts
from pose_activity.training.report_page.facts import Block, Charts, Heading, Prose

TITLE = "Would more examples help?"
_LITTLE = 0.01  # of the accuracy, that twice as many bring


def curve_blocks(points: Sequence[Mapping[str, Any]], unit: str, judged_on: str) -> list[Block]:
    """Returns the curve and what it says.

    Args:
        points: A `Point` each, by rising n.
        unit: What was learned from, in the plural.
        judged_on: The split that the accuracies are of.
    """
    found = [Point(**point) for point in points]
    numbers = [point.n for point in found]
    lines = {
        "mean": (numbers, [point.accuracy for point in found]),
        "best drawing": (numbers, [point.high for point in found]),
        "worst drawing": (numbers, [point.low for point in found]),
    }
    title = f"Accuracy on {judged_on}"
    drawn = charts.line_chart(lines, title=title, x_label=f"{unit} learned from", share=True)
    about = (
        f"The same linear classifier was fitted on parts of the {unit}, drawn class by class in "
        f"whole groups. {_verdict(gain_of_doubling(found), unit)}"
    )
    return [Heading(TITLE), Prose(about), Charts([drawn])]


def _verdict(gain: float | None, unit: str) -> str:
    if gain is None:
        return ""
    text = f"At its end, twice as many {unit} bring {100 * gain:+.1f} points. "
    if gain < _LITTLE:
        return f"{text}More {unit} like these will hardly help; other ones, or better labels, may."
    return f"{text}More {unit} will help, if they are as varied as these."
