"""What the page says of a learning curve."""

from dataclasses import asdict

import pytest

from pose_activity.stage2_classifier.scores.learning_curve import Point
from pose_activity.training.report_page import facts
from pose_activity.training.report_page.learning_curve import curve_blocks


@pytest.mark.parametrize(
    ("step", "judged", "said"),
    [
        (0.04, 300, "bring +4.0 points. More pictures will help"),
        (0.04, 30, "bring +4.0 points. That may be chance: it is judged on 30 pictures"),
        (0.0, 300, "will hardly help"),
    ],
)
def test_the_end_of_the_curve_says_whether_more_help(step: float, judged: int, said: str) -> None:
    points = [
        asdict(Point(100 * 2**i, 0.5 + step * i, 0.4 + step * i, 0.6 + step * i)) for i in range(4)
    ]
    heading, about, chart = curve_blocks(points, "pictures", "val", judged)
    assert isinstance(heading, facts.Heading) and isinstance(about, facts.Prose)
    assert said in about.text
    assert isinstance(chart, facts.Charts) and "Accuracy on val" in chart.drawn[0]
