"""The legend of a drawing of body parts: small, out of the way, and of what is there."""

import numpy as np
import pytest

from pose_activity.annotations.parts import IGNORE, PARTS9, PARTS15, PartScheme
from pose_activity.inference.parts.paint import draw_legend, paint_legend

GREY = 90


def painted(mask: np.ndarray, scheme: PartScheme) -> tuple[np.ndarray, np.ndarray]:
    """Returns the picture, and where the legend is in it."""
    image = np.full((*mask.shape, 3), GREY, np.uint8)
    drawn = paint_legend(image, mask, scheme)
    assert (image == GREY).all() and drawn.shape == image.shape
    return drawn, np.any(drawn != GREY, axis=2)


def mask_of(size: tuple[int, int], scheme: PartScheme) -> np.ndarray:
    """Returns a mask `(height, width)` with every class in its right half, the first larger."""
    mask = np.zeros(size, np.uint8)
    right = mask[:, size[1] // 2 :]
    ends = np.cumsum(np.arange(len(scheme), 0, -1))
    right[:] = np.searchsorted(ends / ends[-1], np.linspace(0, 1, size[0]))[:, None]
    return mask


@pytest.mark.parametrize("size", [(192, 256), (256, 160), (96, 128), (720, 1280)])
@pytest.mark.parametrize("scheme", [PARTS9, PARTS15])
def test_it_covers_a_sixth_at_most_and_hides_nobody(
    size: tuple[int, int], scheme: PartScheme
) -> None:
    _, legend = painted(mask_of(size, scheme), scheme)
    rows, columns = np.nonzero(legend)
    area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert 0 < area <= legend.size / 6
    assert columns.max() < size[1] // 2


def test_small_pictures_name_the_largest_parts() -> None:
    drawn, _ = painted(mask_of((96, 128), PARTS15), PARTS15)
    shown = [
        number
        for number in range(1, len(PARTS15))
        if (drawn == PARTS15.colours[number]).all(axis=2).any()
    ]
    assert shown == [*range(1, len(shown) + 1)] and 1 < len(shown) < 14


def test_nobody_has_no_legend_and_unknown_pixels_no_name() -> None:
    for number in (0, IGNORE, 77):
        _, legend = painted(np.full((192, 256), number, np.uint8), PARTS9)
        assert not legend.any()


def test_a_picture_without_room_stays() -> None:
    _, legend = painted(mask_of((20, 30), PARTS9), PARTS9)
    assert not legend.any()


def test_sides_are_shortened() -> None:
    numbers = range(1, len(PARTS15))
    whole, short = (draw_legend(PARTS15, numbers, 9, short=one) for one in (False, True))
    assert whole.shape[0] == short.shape[0] == 9 * 14 and short.shape[1] < whole.shape[1]
