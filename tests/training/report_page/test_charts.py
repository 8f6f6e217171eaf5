"""Charts are well-formed SVG that takes the page's colour, with all that was to be shown."""

import re
import xml.etree.ElementTree as tree

import pytest

from pose_activity.training.report_page.charts import bar_chart, line_chart, reliability_chart

SVG = "{http://www.w3.org/2000/svg}"


def _words(svg: str) -> str:
    return " ".join(element.text or "" for element in tree.fromstring(svg).iter(f"{SVG}text"))


def _lines() -> str:
    series = {f"line {i}": ([1, 2, 3], [0.2, 0.5, float("nan")]) for i in range(5)}
    return line_chart(series, title="A < B", x_label="epoch", share=True, marks={"kept": 2})


CHARTS = {
    "lines": (_lines, ["A < B", "epoch", "line 0", "line 4", "kept"]),
    "bars": (
        lambda: bar_chart({"train": {3: 5, 16: 9}, "val": {3: 1}}, title="Joints", x_label="n"),
        ["Joints", "train", "val"],
    ),
    "reliability": (
        lambda: reliability_chart([(0.5, 0.4, 10), (0.9, 0.95, 30)], title="Reliability"),
        ["Reliability", "perfectly calibrated"],
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_says_what_it_shows_in_the_colour_of_the_page(name):
    make, words = CHARTS[name]
    svg = make()
    assert all(word in _words(svg) for word in words)
    assert svg.startswith('<svg role="img" aria-label=') and "currentColor" in svg
    assert "#010203" not in svg and not re.search(r"<(metadata|style|image|script)", svg)
    assert not re.search(r'(?:width|height)="[0-9.]+pt"', svg)


def test_the_same_numbers_make_the_same_text():
    assert _lines() == _lines()
