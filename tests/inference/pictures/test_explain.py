"""Explanations show the map where it belongs, and say when there is none."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.cache.planes import PoseModelId, Recipe, make_arrays
from pose_activity.cache.record import Arrays
from pose_activity.inference.pictures.explain import (
    Explanations,
    draw_explanation,
    explain,
    overlay,
)
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import FrameResult
from tests.inference.fakes import answered, failed, nobody

RECIPE = Recipe(width=32, height=24, people="all", pose=PoseModelId("abc"))
PICTURE = np.full((50, 80, 3), (200, 40, 40), np.uint8)
HEAT = np.zeros((3, 4), np.float32)
HEAT[0, 0] = 2.0  # the upper left


def pipeline(recipe: Recipe = RECIPE, outputs: int = 2) -> PicturePredictor:
    """A stand-in that always looks at the upper left."""
    classifier = SimpleNamespace(
        graph=SimpleNamespace(path=Path("classifier.onnx")),
        has_maps=outputs == 2,
        explain=lambda planes: (np.ones((len(planes), 3)) / 3, HEAT[None]),
    )

    def arrays_of(pixels: np.ndarray, poses: Poses | None, person: int | None) -> Arrays:
        return make_arrays(pixels, poses, recipe, person)

    stand_in = SimpleNamespace(recipe=recipe, classifier=classifier, arrays_of=arrays_of)
    return cast(PicturePredictor, stand_in)


def about(*rows: Any) -> FrameResult:
    first = rows[0]
    return FrameResult(
        Frame(first.image, lambda: PICTURE), list(rows), None if first.error else PICTURE
    )


def test_colour_where_the_map_is_high_and_grey_elsewhere() -> None:
    mixed = overlay(PICTURE, HEAT, strongest=2.0).astype(int)
    assert np.ptp(mixed[-1, -1]) == 0 and np.ptp(mixed[0, 0]) > 50
    against = np.array([[-5.0, -1.0]], np.float32)  # all spoke against it
    falling = overlay(PICTURE, against, strongest=-1.0)
    assert np.ptp(falling.reshape(-1, 3), axis=0).max() == 0
    fainter = overlay(PICTURE, HEAT, strongest=20.0).astype(int)  # another view spoke louder
    assert np.ptp(fainter[0, 0]) < np.ptp(mixed[0, 0]) / 3


def test_picture_plane_and_bars_stand_side_by_side() -> None:
    planes = np.zeros((24, 32, 4), np.uint8)
    planes[..., 0] = 255
    planes[4:8, 4:8, 3] = 250
    row = answered("a.jpg", (1.0, 0.0, 0.0), unknown_below=0.0)
    drawn = draw_explanation({"x": planes}, {"x": HEAT}, row, RECIPE)
    assert drawn.dtype == np.uint8 and drawn.shape[1] > 3 * 80 / 50 * 420
    thirds = np.array_split(drawn[60:460], 3, axis=1)
    assert np.ptp(thirds[0].astype(int), axis=2).max() > 100  # coloured
    assert (thirds[1] > 240).all(-1).sum() > 1000  # the pose, white
    assert (thirds[2] == (91, 155, 224)).all(-1).sum() > 3000  # a whole bar


def test_files_beside_the_picture_or_in_a_folder(tmp_path: Path) -> None:
    image = tmp_path / "a.jpg"
    alone = Explanations(pipeline(), [image], None, wanted=True)
    assert alone.paint(about(answered(image))) is None
    assert load_rgb(tmp_path / "a.jpg.explained.png").shape[2] == 3
    each = replace(RECIPE, people="each")
    folder = tmp_path / "drawn"
    people = Explanations(pipeline(each), [image, image], folder, wanted=True)
    assert people.paint(about(*(answered(image, people=2, person=i) for i in range(2)))) is None
    ends = sorted(path.name.partition(".")[2] for path in folder.iterdir())
    assert ends == ["1.explained.png", "2.explained.png"]


def test_nothing_to_explain() -> None:
    assert explain(pipeline(), about(failed("a.jpg", "empty"))) == []
    assert explain(pipeline(replace(RECIPE, people="each")), about(nobody("a.jpg"))) == []


def test_a_place_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    image = tmp_path / "file" / "a.jpg"
    said = Explanations(pipeline(), [image], None, wanted=True).paint(about(answered(image)))
    assert said is not None and said.startswith(f"{image}: ")


@pytest.mark.parametrize("sources", [["a.jpg", "b.jpg"], ["a.mp4"]])
def test_more_than_a_picture_needs_a_folder(sources: list[str]) -> None:
    with pytest.raises(ValueError, match="name a folder to draw into. Received: [12] sources"):
        Explanations(pipeline(), list(map(Path, sources)), None, wanted=True)
    Explanations(pipeline(), list(map(Path, sources)), None, wanted=False)


def test_an_older_graph_is_named() -> None:
    with pytest.raises(ValueError, match="classifier.onnx has no output for explanations"):
        Explanations(pipeline(outputs=1), [Path("a.jpg")], None, wanted=True)
