"""The section about what inputs are worth."""

from typing import Any

import pytest

from pose_activity.stage2_classifier.scores.input_worth import Worth
from pose_activity.training.report_page import input_worth, text


def _inputs(changed: float, n: int = 300) -> dict[str, Any]:
    row = Worth("heatmap", True, "nothing", 0.7, 0.014, (0.0025, 0.025), changed)
    return {"n": n, "of": 800, "rows": [row.as_json() | {"interval": [0.0025, 0.025]}]}


def test_the_table_and_how_many_were_looked_at() -> None:
    found = text.write_sections([input_worth.worth_section(_inputs(0.06), "pictures")])
    assert "300 of 800 pictures, drawn at random, were classified again" in found
    assert "| heatmap | nothing | 70.0 % | +1.4 (+0.2 to +2.5) | 6.0 % |" in found
    assert "WARNING" not in found
    everything = input_worth.worth_section(_inputs(0.06, n=800), "pictures")
    assert "All 800 pictures were classified again" in text.write_sections([everything])


@pytest.mark.parametrize(("changed", "warned"), [(0.002, True), (0.01, False)])
def test_what_is_ignored_is_warned_of(changed: float, warned: bool) -> None:
    note = input_worth.ignored_note(_inputs(changed))
    assert ("hardly looks at what stage 1 finds: without it 0.2%" in note) == warned
    assert input_worth.ignored_note(None) == ""
    shown = text.write_sections([input_worth.worth_section(_inputs(changed), "pictures")])
    assert ("WARNING" in shown) == warned
