"""The gallery of a clip model: a strip of frames per row, cut out of the video or of pose files."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.inference.clips.draw import MOMENTS, Drawings
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.inference.options import OutputOptions, Session
from tests.inference.clips.test_pose_files import archive
from tests.inference.motion_model import CLASSES, crossing, picture, write_film, write_model
from tests.inference.test_gallery import Page

WIDTH, HEIGHT = 120, 200  # of a tile


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> ClipPredictor:
    folder = write_model(tmp_path_factory.mktemp("models") / "run")
    return ClipPredictor(folder, engine="onnxruntime", threads=1)


def page_of(predictor: ClipPredictor, source: Path, tmp_path: Path, **options) -> Page:
    asked = OutputOptions(gallery=tmp_path / "page.html", **options)
    drawings = Drawings(predictor, [source], asked)
    with drawings:
        for answer in predictor.predict([source], asked, Session()):
            assert drawings.add(answer) == []
        assert drawings.close() == []
    return Page((tmp_path / "page.html").read_text(encoding="utf-8"))


def strips_of(page: Page) -> list[np.ndarray]:
    """Returns the small pictures, RGB."""
    found = []
    for source in page.all("img", "src"):
        data = np.frombuffer(base64.b64decode(source.partition(",")[2]), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert image is not None
        found.append(image[..., ::-1])
    return found


def test_a_strip_shows_its_person_alone(predictor: ClipPredictor, tmp_path: Path) -> None:
    page = page_of(predictor, write_film(tmp_path / "a.avi", crossing()), tmp_path)
    assert set(page.sections) == set(CLASSES)
    strips = dict(zip(page.sections, strips_of(page), strict=True))
    for name, colour in zip(CLASSES, ((230, 30, 20), (20, 30, 230)), strict=True):
        strip = strips[name]
        assert strip.shape[1] / strip.shape[0] == pytest.approx(MOMENTS * WIDTH / HEIGHT, abs=0.02)
        first, *_, last = np.array_split(strip, MOMENTS, axis=1)  # apart from the other one
        for tile in (first, last):
            middle = tile[tile.shape[0] // 2, tile.shape[1] // 2].astype(int)
            assert np.abs(middle - colour).max() < 60
    # Each moment has a skeleton of its own, in its own tile.
    for lines in page.all("path", "d"):
        xs = [int(x) for x in re.findall(r"[ML](-?\d+) ", lines)]
        assert {4 * x // 1000 for x in xs} == set(range(MOMENTS))


def test_a_row_per_window_has_its_own_moments(predictor: ClipPredictor, tmp_path: Path) -> None:
    frames = [picture((5 + 4 * i, 20)) for i in range(30)]
    for frame in frames[15:]:
        frame[:20] = (0, 255, 0)
    film = write_film(tmp_path / "a.avi", frames)
    page = page_of(predictor, film, tmp_path, per_window=True)
    early, *_, late = strips_of(page)
    assert len(page.sections[CLASSES[0]]) == 5
    greens = [(strip[..., 1].astype(int) - strip[..., 0] > 100).sum() for strip in (early, late)]
    assert min(greens) == 0 and max(greens) > 50


def test_pose_files_show_skeletons(predictor: ClipPredictor, tmp_path: Path) -> None:
    page = page_of(predictor, archive(tmp_path), tmp_path)
    assert len(strips_of(page)) == 2 and page.all("path", "d")


def test_nobody_and_a_damaged_video_are_cards(predictor: ClipPredictor, tmp_path: Path) -> None:
    film = write_film(tmp_path / "nobody.avi", [picture()] * 5)
    assert "no picture" in page_of(predictor, film, tmp_path).sections["nobody"][0]
    (tmp_path / "cut.avi").write_bytes(b"nothing")
    assert "cut.avi" in page_of(predictor, tmp_path / "cut.avi", tmp_path).sections["error"][0]
