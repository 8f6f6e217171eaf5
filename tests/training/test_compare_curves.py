"""Curves of several trainings: one chart for each thing that any of them measured."""

import re
from pathlib import Path

from pose_activity.learning.history import Epoch, History
from pose_activity.training.compare_curves import draw_curves, write_curves


def history(*recalls: float) -> History:
    epochs = [
        Epoch(i, "train", 0.1 / (i + 1), {"loss": 1.0 - i / 9, "val_body_recall": recall}, 1.0)
        for i, recall in enumerate(recalls)
    ]
    return History(tuple(epochs))


def test_a_chart_for_loss_rate_and_each_figure() -> None:
    drawn = draw_curves(
        {"adam": history(0.2, 0.5, 0.6), "$sgd$": history(0.1, 0.3), "lda": History()}
    )
    titles = [match for chart in drawn for match in re.findall('aria-label="([^"]+)"', chart)]
    assert titles == ["loss", "body recall on val", "learning rate"]
    assert all("adam" in chart and "$sgd$" in chart and "lda" not in chart for chart in drawn)


def test_no_chart_where_nothing_was_trained() -> None:
    assert draw_curves({"lda": History()}) == []


def test_the_page_has_the_table_and_escapes_names(tmp_path: Path) -> None:
    rows = [
        {"run": "<b>", "miou": 0.51234, "rank1": None},
        {"run": "b", "miou": None, "rank1": None},
    ]
    write_curves(tmp_path / "c.html", {"<b>": history(0.2)}, rows)
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;" in page and "0.5123" in page and "rank1" not in page and "<b>" not in page
