"""The mark of what this project drew: other programs still read the file, and it is found again."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pose_activity.annotations.drawing_mark import MARK, is_drawing, mark
from pose_activity.annotations.images import find_images, write_drawing, write_image

_PIXELS = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_drawing_is_known_under_any_name_and_has_the_same_pixels(tmp_path: Path, suffix: str):
    plain, drawn = tmp_path / f"plain{suffix}", tmp_path / f"drawn{suffix}"
    write_image(plain, _PIXELS)
    write_drawing(drawn, _PIXELS)
    renamed = tmp_path / "holiday" / "IMG_0001.jpeg"
    renamed.parent.mkdir()
    shutil.copyfile(drawn, renamed)
    assert is_drawing(drawn) and is_drawing(renamed) and not is_drawing(plain)
    with Image.open(plain) as expected, Image.open(drawn) as got:
        got.load()
        assert (np.asarray(got) == np.asarray(expected)).all()
    assert (cv2.imread(str(drawn)) == cv2.imread(str(plain))).all()
    assert find_images(tmp_path) == [plain]


def test_another_program_reads_the_mark(tmp_path: Path):
    write_drawing(tmp_path / "a.jpg", _PIXELS)
    write_drawing(tmp_path / "a.png", _PIXELS)
    with Image.open(tmp_path / "a.jpg") as jpeg, Image.open(tmp_path / "a.png") as png:
        assert jpeg.info["comment"] == MARK
        assert png.info["Software"] == MARK.decode()


def test_the_mark_at_the_end_of_a_long_file_is_found(tmp_path: Path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0" * 100_000 + MARK + b"\0" * 20)
    assert is_drawing(path)


def test_what_is_no_file_is_no_product(tmp_path: Path):
    assert not is_drawing(tmp_path) and not is_drawing(tmp_path / "absent.jpg")


def test_only_jpeg_and_png_are_marked():
    with pytest.raises(ValueError, match="Only a JPEG or a PNG can be marked. Received: b'BM"):
        mark(cv2.imencode(".bmp", _PIXELS)[1].tobytes())
