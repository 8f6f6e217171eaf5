"""Joints as numbers, as maps and as a picture, against a picture whose joints are known."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from pose_activity.annotations.images import ImageError, write_image
from pose_activity.stage1_pose.estimate import draw_estimate, heat_maps, joint_positions
from pose_activity.stage1_pose.predict import PosePredictor, load
from tests.inference.motion_model import PLACES, SIZE, picture, write_model

RED, BLUE = (20, 30), (100, 44)  # upper left corners of rectangles of 24x72


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> PosePredictor:
    run = write_model(tmp_path_factory.mktemp("models") / "run")
    return load(run / "stage1", engine="onnxruntime", threads=1)


def test_joints_of_a_path_and_of_an_array(model: PosePredictor, tmp_path: Path) -> None:
    image, path = picture(RED, BLUE), tmp_path / "a.png"
    write_image(path, image)
    expected = [PLACES * (24, 72) + corner for corner in (RED, BLUE)]
    for given in (image, path, str(path)):
        poses = joint_positions(given, model)
        assert poses.size == SIZE and poses.skeleton == model.skeleton
        assert poses.keypoints[..., :2] == pytest.approx(np.array(expected), abs=1e-3)
        assert poses.scores == pytest.approx([0.9, 0.9])
    assert joint_positions(path, model).image == path


def test_maps_are_highest_at_the_joints(model: PosePredictor) -> None:
    image = picture(RED, BLUE)
    maps = heat_maps(image, model, sigma=2.0)
    assert maps.shape == (17, SIZE[1], SIZE[0]) and maps.dtype == np.float32
    columns, rows = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    for plane, place in zip(maps, PLACES, strict=True):
        blobs = [
            0.9 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2))
            for x, y in (place * (24, 72) + corner for corner in (RED, BLUE))
        ]
        assert plane == pytest.approx(np.maximum(*blobs), abs=1e-4)
    wide = heat_maps(image, model)  # 160 pixels wide: sigma 1.6
    assert (wide > 0.1).sum() == pytest.approx((maps > 0.1).sum() * (1.6 / 2) ** 2, rel=0.1)


def test_nobody(model: PosePredictor) -> None:
    image = picture()
    poses, maps = joint_positions(image, model), heat_maps(image, model)
    assert len(poses.boxes) == 0 and maps.shape == (17, SIZE[1], SIZE[0]) and not maps.any()
    drawn = draw_estimate(image, poses, maps)
    assert np.array_equal(drawn[:, : SIZE[0]], image)


def test_the_picture_of_both(model: PosePredictor) -> None:
    image = picture(RED)
    before = image.copy()
    poses, maps = joint_positions(image, model), heat_maps(image, model)
    drawn = draw_estimate(image, poses, maps)
    assert drawn.shape == (SIZE[1], 2 * SIZE[0], 3) and drawn.dtype == np.uint8
    assert np.array_equal(image, before)
    left, right = drawn[:, : SIZE[0]], drawn[:, SIZE[0] :]
    assert (left != image).any() and np.array_equal(left[:, 80:], image[:, 80:])
    assert right[60, 140] == pytest.approx(image[60, 140] * 0.35, abs=1)
    x, y = (PLACES[15] * (24, 72) + RED).round().astype(int)  # the left ankle: blue
    assert right[y, x, 2] > 150 > right[y, x, 0]


@pytest.mark.parametrize("ask", [joint_positions, heat_maps])
def test_what_is_no_picture(ask: Any, model: PosePredictor, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be opened"):
        ask(tmp_path / "nowhere.jpg", model)
    with pytest.raises(TypeError, match="A picture is a path or an array. Received: int"):
        ask(cast(Any, 3), model)
    with pytest.raises(ValueError, match=r"must be \(H, W, 3\) uint8 RGB. Received: \(8, 8\)"):
        ask(np.zeros((8, 8), np.uint8), model)
