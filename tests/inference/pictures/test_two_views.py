"""A model of two views from the pixels to the answer, its explanation and its drawings."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.videos import Frame
from pose_activity.cache import store
from pose_activity.cache.record import stack
from pose_activity.cache.tensor_spec import TensorSpec
from pose_activity.inference.api import Classifier
from pose_activity.inference.options import OutputOptions
from pose_activity.inference.package import files_of, write_package
from pose_activity.inference.pictures.draw import cards_of
from pose_activity.inference.pictures.explain import Explanations, draw_explanation, explain
from pose_activity.inference.pictures.predictor import PicturePredictor
from tests.inference.motion_model import picture
from tests.inference.view_model import CLASSES, write_model

RED, BLUE = (20, 30), (110, 30)
PICTURES = {
    "red": picture(red=RED),
    "blue": picture(blue=BLUE),
    "both": picture(red=RED, blue=BLUE),
    "nobody": picture(),
}
TILES = {"picture": slice(20, 520), "person": slice(605, 1010)}  # where they are in explanations
EXPECTED = {"red": "red", "blue": "blue", "both": "red", "nobody": "nobody"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "run")


@pytest.fixture(scope="module")
def predictor(folder: Path) -> PicturePredictor:
    return PicturePredictor(folder, engine="onnxruntime", threads=2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    paths = [tmp_path_factory.mktemp("photos") / f"{name}.png" for name in PICTURES]
    for path in paths:
        cv2.imwrite(str(path), PICTURES[path.stem][..., ::-1])
    return paths


def test_the_person_is_named_or_nobody(predictor: PicturePredictor, photos: list[Path]) -> None:
    rows = [row for a in predictor.answers(map(Frame.of_picture, photos)) for row in a.rows]
    assert {row.image.stem: row.ranking[0][0] for row in rows} == EXPECTED
    assert all(row.person is None and row.poses is not None for row in rows)
    assert PicturePredictor.uses_stage1(Path(), predictor.folders.stage2)


def test_prediction_sees_what_training_stored(
    predictor: PicturePredictor, photos: list[Path], tmp_path: Path
) -> None:
    """Bit for bit: the answers of the stored arrays are those of the pictures."""
    rows = [row for a in predictor.answers(map(Frame.of_picture, photos)) for row in a.rows]
    sources = [TensorSpec(row.image, "red", "val", row.poses) for row in rows]
    recipe = predictor.recipe
    cache, _ = store.build(tmp_path, sources, recipe=recipe, classes=CLASSES, inputs={})
    for row, entry in zip(rows, cache.entries, strict=True):
        (answer,) = predictor.classifier(stack([cache.load(entry, verify=True).x]))
        assert np.array_equal(answer, row.probabilities)


def test_an_explanation_shows_both_views(predictor: PicturePredictor, photos: list[Path]) -> None:
    red, blue, _, nobody = (predictor.answer(Frame.of_picture(path)) for path in photos)
    (drawn,) = explain(predictor, red)
    coloured = [np.ptp(drawn[60:460, tile].astype(int), axis=2) > 60 for tile in TILES.values()]
    assert 0.02 < coloured[0].mean() < coloured[1].mean()  # the red one fills the person's view
    (grey,) = explain(predictor, blue)  # all of it spoke against red
    assert (np.ptp(grey[60:440, 20:900].astype(int), axis=2) < 40).all()
    assert explain(predictor, nobody)[0].shape == drawn.shape


def test_the_louder_view_has_the_colour(predictor: PicturePredictor, photos: list[Path]) -> None:
    (row,) = predictor.answer(Frame.of_picture(photos[0])).rows
    arrays = {
        "picture": np.full((24, 32, 3), 90, np.uint8),
        "person": np.full((16, 16, 3), 90, np.uint8),
        "found": np.zeros(1, np.uint8),
    }
    for loud in ("picture", "person"):
        heat = {name: np.full((2, 2), 9.0 if name == loud else 0.1) for name in TILES}
        drawn = draw_explanation(arrays, heat, row, predictor.recipe)
        shares = {
            name: (np.ptp(drawn[60:460, tile].astype(int), axis=2) > 20).mean()
            for name, tile in TILES.items()
        }
        quiet = "person" if loud == "picture" else "picture"
        assert shares[loud] > 0.9 and shares[quiet] < 0.1, shares


def test_files_and_cards(predictor: PicturePredictor, photos: list[Path], tmp_path: Path) -> None:
    both = predictor.answer(Frame.of_picture(photos[2]))
    said = Explanations(predictor, photos, tmp_path, wanted=True).paint(both)
    (written,) = tmp_path.glob("both*.explained.png")
    assert said is None and load_rgb(written).size
    (card,) = cards_of(both, predictor.recipe)
    lines = "".join(path for _, path in card.bones)
    places = [int(part.split(" ")[0]) for part in lines.replace("L", "M").split("M")[1:]]
    assert places and max(places) < 1000 * (RED[0] + 24) / 160 + 2  # whom it saw, and not the other
    (nobody,) = cards_of(predictor.answer(Frame.of_picture(photos[3])), predictor.recipe)
    assert not nobody.bones
    predictor.check(OutputOptions(smooth=2.5), photos)  # a row is the whole picture


def test_a_package_answers_as_its_run(
    folder: Path, predictor: PicturePredictor, photos: list[Path], tmp_path: Path
) -> None:
    write_package(tmp_path / "model", files_of(folder), card="", about={})
    packaged = PicturePredictor(tmp_path / "model", engine="onnxruntime", threads=1)
    for path in photos:
        (row,), (expected,) = (p.answer(Frame.of_picture(path)).rows for p in (packaged, predictor))
        assert np.array_equal(row.probabilities, expected.probabilities)


def test_the_python_function(folder: Path) -> None:
    classify = Classifier(folder, engine="onnxruntime", threads=1)
    assert classify(PICTURES["blue"]).activity == "blue"
