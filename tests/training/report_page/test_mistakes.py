"""The section of examples, of hand-made predictions."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.report_page import facts
from pose_activity.training.report_page.mistakes import mistakes_section

CLASSES = ("reading", "riding", "walking")
WRONG_ONCE = np.array([[0.6, 0.3, 0.1], [0.9, 0.05, 0.05], [0.1, 0.2, 0.7]], np.float32)


def test_mistakes_without_pictures_are_a_table() -> None:
    images, labels = tuple(Path(f"{i}.jpg") for i in range(3)), np.arange(3)
    predictions = Predictions("test", CLASSES, images, np.full(3, -1), labels, WRONG_ONCE)
    section = mistakes_section(predictions, None)
    table = section.blocks[1]
    assert isinstance(table, facts.Table)
    (row,) = table.rows
    assert row == ("1.jpg", "reading", pytest.approx(0.9), "riding", pytest.approx(0.05))
    hits = section.blocks[-1]
    assert isinstance(hits, facts.Table)
    assert [row[0] for row in hits.rows] == ["0.jpg", "2.jpg"]
