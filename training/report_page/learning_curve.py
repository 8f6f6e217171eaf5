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


def curve_blocks(
    points: Sequence[Mapping[str, Any]], unit: str, judged_on: str, judged: int
) -> list[Block]:
    """Returns the curve and what it says.

    Args:
        points: A `Point` each, by rising n.
        unit: What was learned from, in the plural.
        judged_on: The split that the accuracies are of.
        judged: How many examples it has.
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
        f"whole groups. {_verdict(found, unit, judged)}"
    )
    return [Heading(TITLE), Prose(about), Charts([drawn])]


def _verdict(points: Sequence[Point], unit: str, judged: int) -> str:
    gain = gain_of_doubling(points)
    if gain is None:
        return ""
    last = points[-1].accuracy
    chance = (last * (1 - last) / judged) ** 0.5  # standard error of the last point
    text = f"At its end, twice as many {unit} bring {100 * gain:+.1f} points. "
    if gain < _LITTLE:
        return f"{text}More {unit} like these will hardly help; other ones, or better labels, may."
    if gain < chance:
        return f"{text}That may be chance: it is judged on {judged} {unit}."
    return f"{text}More {unit} will help, if they are as varied as these."
