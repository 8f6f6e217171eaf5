"""What the page says of a learning curve."""

from dataclasses import asdict

import pytest

from pose_activity.stage2_classifier.scores.learning_curve import Point
from pose_activity.training.report_page import facts
from pose_activity.training.report_page.learning_curve import curve_blocks


@pytest.mark.parametrize(
    ("step", "said"),
    [(0.04, "bring +4.0 points. More pictures will help"), (0.0, "will hardly help")],
)
def test_the_end_of_the_curve_says_whether_more_help(step: float, said: str) -> None:
    points = [
        asdict(Point(100 * 2**i, 0.5 + step * i, 0.4 + step * i, 0.6 + step * i)) for i in range(4)
    ]
    heading, about, chart = curve_blocks(points, "pictures", "val")
    assert isinstance(heading, facts.Heading) and isinstance(about, facts.Prose)
    assert said in about.text
    assert isinstance(chart, facts.Charts) and "Accuracy on val" in chart.drawn[0]
