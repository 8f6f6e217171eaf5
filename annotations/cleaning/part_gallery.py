"""What the cleaner of part masks changed, as a picture: image, mask before, mask after."""

from collections.abc import Sequence

import numpy as np

from pose_activity.annotations.cleaning.parts import PartCase
from pose_activity.annotations.drawing import EMPTY, fit, gallery
from pose_activity.annotations.part_files import load_image
from pose_activity.annotations.part_masks import colour_mask
from pose_activity.annotations.parts import UNKNOWN

_HEADING = "image - mask as it was read (white: unknown) - clean mask"
_WHITE = (255, 255, 255)


def part_gallery(
    cases: Sequence[PartCase], *, columns: int = 2, panel_size: tuple[int, int] = (240, 200)
) -> np.ndarray:
    """Draws each case as three panels side by side.

    Args:
        cases: Of `clean_parts`. A panel of what cannot be read, or was dropped, is empty.
        columns: Of the grid.
        panel_size: (width, height) of a panel in pixels.

    Returns:
        `(H, W, 3)` uint8 RGB.
    """
    width, height = panel_size
    tiles = [_draw_case(case, panel_size) for case in cases]
    titles = [f"{case.rule}: {case.sample.source.name}" for case in cases]
    return gallery(tiles, titles, columns=columns, tile_size=(3 * width, height), heading=_HEADING)


def _draw_case(case: PartCase, size: tuple[int, int]) -> np.ndarray:
    empty = np.full((*size[::-1], 3), EMPTY, np.uint8)
    panels = [empty, empty, empty]
    try:
        panels[0] = fit(load_image(case.sample), size)
    except ValueError:
        pass
    if case.before is not None:
        colours = colour_mask(case.before.ids, case.sample.scheme)
        colours[case.before.ids == UNKNOWN] = _WHITE
        panels[1] = fit(colours, size)
    if case.after is not None:
        panels[2] = fit(colour_mask(case.after, case.sample.scheme), size)
    return np.hstack(panels)
