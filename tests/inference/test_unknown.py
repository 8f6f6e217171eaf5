"""`unknown` is decided in one place, so that every output says the same."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.videos import Frame
from pose_activity.cache.planes import PoseModelId, Recipe
from pose_activity.inference import overlay
from pose_activity.inference.gallery import Gallery
from pose_activity.inference.pictures.draw import cards_of
from pose_activity.inference.results import UNKNOWN, FrameResult, Result
from tests.inference.fakes import answered, failed, nobody

PICTURE = np.full((400, 400, 3), 90, np.uint8)


@pytest.mark.parametrize(
    ("row", "activity"),
    [
        (answered("a.jpg", unknown_below=0.0), "walk"),
        (answered("a.jpg", unknown_below=0.69), "walk"),
        (answered("a.jpg", (0.5, 0.25, 0.25), unknown_below=0.5), "walk"),
        (answered("a.jpg", unknown_below=0.71), UNKNOWN),
        (nobody("a.jpg"), None),
        (failed("a.jpg", "empty"), None),
    ],
)
def test_below_the_limit_and_not_at_it(row: Result, activity: str | None) -> None:
    assert row.activity == activity


def test_the_outputs_agree_and_keep_the_ranking(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    row = answered("a.jpg", unknown_below=0.9)
    columns, record = row.as_columns(), row.as_record()
    assert (columns["activity"], record["activity"]) == (UNKNOWN, UNKNOWN)
    assert columns["probability"] == "0.7000" and columns["top3"].startswith("walk:0.7000|")
    assert record["probabilities"]["walk"] == 0.7
    with Gallery(tmp_path / "page.html", "pictures") as gallery:
        answer = FrameResult(Frame(row.image, lambda: PICTURE), [row], PICTURE)
        gallery.add([row], cards_of(answer, Recipe(pose=PoseModelId("abc"))))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f'<section data-group="{UNKNOWN}">' in text and "70% walk?" in text
    written = []
    monkeypatch.setattr(overlay, "draw_text", lambda canvas, text, *_: written.append(text))
    overlay.paint_answer(PICTURE, row)
    assert any(text.startswith(f"{UNKNOWN}: walk?") for text in written)
