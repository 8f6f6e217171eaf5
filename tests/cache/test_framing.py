"""The part of a picture that is shown, and where its pixels go."""

import cv2
import numpy as np
import pytest

from pose_activity.cache.framing import crop_square, resize, square, window


def test_stretch_is_opencvs_resize() -> None:
    image = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    frame, scale, offset = resize(image, (140, 100), "stretch")
    assert np.array_equal(frame, cv2.resize(image, (140, 100), interpolation=cv2.INTER_LINEAR))
    assert scale.tolist() == [2, 2] and offset.tolist() == [0, 0]


def test_letterbox_keeps_proportions_and_pads_with_grey() -> None:
    image = np.full((100, 100, 3), 7, np.uint8)
    frame, scale, offset = resize(image, (64, 32), "letterbox")
    assert (frame[:, :16] == 114).all() and (frame[:, 48:] == 114).all()
    assert (frame[:, 16:48] == 7).all()
    assert scale.tolist() == pytest.approx([0.32, 0.32]) and offset.tolist() == [16, 0]


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ([20, 30, 60, 50], 0.0, (20, 30, 60, 50)),
        ([20, 30, 60, 50], 0.1, (16, 26, 64, 54)),  # a tenth of 40, on each side
        ([20.4, 30.6, 59.5, 49.5], 0.0, (20, 30, 60, 50)),
        ([-9, -9, 30, 30], 0.0, (0, 0, 30, 30)),
        ([80, 40, 200, 200], 0.2, (48, 8, 100, 80)),
        ([50, 40, 50, 40], 0.2, (50, 40, 51, 41)),  # nothing becomes a pixel
        ([300, -80, 400, -20], 0.1, (99, 0, 100, 1)),  # outside: the nearest pixel
    ],
)
def test_the_window_around_a_person(
    box: list[float], margin: float, expected: tuple[int, int, int, int]
) -> None:
    assert window(np.array(box, np.float32), (100, 80), margin) == expected


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ([20, 30, 60, 50], 0.0, (20, 20, 40)),
        ([20, 30, 60, 50], 0.125, (15, 15, 50)),  # a quarter larger
        ([30, 20, 50, 60], 0.125, (15, 15, 50)),
        ([0, 0, 8, 8], 0.5, (-4, -4, 16)),
        ([50.4, 40.4, 50.5, 40.5], 0.125, (50, 40, 1)),  # nothing becomes a pixel
    ],
)
def test_the_square_around_a_person(
    box: list[float], margin: float, expected: tuple[int, int, int]
) -> None:
    assert square(np.array(box, np.float32), margin) == expected


def cut_slowly(image: np.ndarray, x: int, y: int, side: int, size: int) -> np.ndarray:
    """The square pixel by pixel, grey outside; then the mean of each block, or each pixel again."""
    height, width = image.shape[:2]
    cut = np.full((side, side, 3), 114.0)
    for row in range(side):
        for column in range(side):
            if 0 <= y + row < height and 0 <= x + column < width:
                cut[row, column] = image[y + row, x + column]
    frame = np.zeros((size, size, 3))
    for row in range(size):
        for column in range(size):
            top, left = row * side // size, column * side // size
            block = max(1, side // size)
            frame[row, column] = cut[top : top + block, left : left + block].mean(axis=(0, 1))
    return frame


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    "corner",
    [(12, 9), (-12, 9), (12, -21), (-30, -30), (60, 60), (84, 30), (-48, 45)],
    ids=["inside", "left", "top", "corner", "bottom right", "right", "far left"],
)
def test_a_square_is_that_of_a_slow_loop(corner: tuple[int, int], times: int) -> None:
    """Inside the picture, at its borders, and where a person reaches outside."""
    image = np.random.default_rng(0).integers(0, 255, (87, 99, 3), np.uint8)
    (x, y), size = corner, 16
    side = size * times
    box = np.array([x, y, x + side, y + side], np.float32)
    frame, scale, offset = crop_square(image, box, margin=0.0, size=size)
    assert frame.shape == (size, size, 3) and frame.dtype == np.uint8
    assert np.abs(frame - cut_slowly(image, x, y, side, size)).max() <= 0.5
    assert np.allclose(np.array([x, y]) * scale + offset, 0, atol=1e-4)
    assert np.allclose(np.array([x + side, y + side]) * scale + offset, size, atol=1e-4)


def test_a_point_stays_on_its_pixel_at_any_scale() -> None:
    """A white disc and where its middle is said to be; the square is cut by two borders."""
    image = np.zeros((60, 80, 3), np.uint8)
    cv2.circle(image, (70, 12), 3, (255, 255, 255), cv2.FILLED)
    for size in (32, 100, 333):
        box = np.array([50, -5, 90, 30], np.float32)
        frame, scale, offset = crop_square(image, box, margin=0.125, size=size)
        disc = np.argwhere(frame[..., 0] > 170).mean(axis=0)[::-1]
        assert np.abs(disc - (np.array([70.5, 12.5]) * scale + offset - 0.5)).max() < 0.02 * size
        assert (frame[:, -size // 5 :] == 114).all()  # past the right border


def test_far_outside_there_is_grey_alone() -> None:
    image = np.zeros((10, 10, 3), np.uint8)
    frame, scale, offset = crop_square(
        image, np.array([500, 0, 540, 40], np.float32), margin=0.0, size=8
    )
    assert (frame == 114).all() and np.allclose(np.array([540, 40]) * scale + offset, 8)


def test_a_square_much_larger_than_the_picture_costs_nothing() -> None:
    image = np.full((4000, 3000, 3), 7, np.uint8)
    frame, *_ = crop_square(image, np.array([0, 0, 3000, 4000], np.float32), margin=10, size=42)
    assert (frame[20:22, 20:22] == 7).all() and (frame == 114).mean() > 0.98
