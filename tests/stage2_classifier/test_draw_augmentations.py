"""A row per tensor: itself, then what training makes of it."""

import numpy as np
import pytest

from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import Recipe
from pose_activity.learning.augmentation_seed import training_seed
from pose_activity.stage2_classifier import augment
from pose_activity.stage2_classifier.draw_augmentations import draw_augmentations

NAMES = ["reading: a.jpg", "walking: b.jpg"]
SEEDS = [[1, 2, 3], [4, 5, 6]]


def _draw(planes: tuple[str, ...], augmentation) -> np.ndarray:
    channels = sum({"rgb": 3, "heatmap": 1}[plane] for plane in planes)
    tensors = [np.full((60, 80, channels), level, np.uint8) for level in (90, 200)]
    views = Recipe(planes, width=80, height=60).views  # pyright: ignore[reportArgumentType]
    return draw_augmentations(tensors, NAMES, views, augmentation, seeds=SEEDS, tile_height=60)


@pytest.mark.parametrize(
    ("planes", "width"), [(("rgb",), 80), (("heatmap",), 80), (("rgb", "heatmap"), 160)]
)
def test_original_and_epochs_stand_in_a_row(planes, width):
    alone = _draw(planes, None)
    augmented = _draw(planes, augment.build(planes))
    assert augmented.dtype == np.uint8 and augmented.shape[0] == alone.shape[0]
    assert augmented.shape[1] - alone.shape[1] == 3 * (width + 4)


def test_the_heatmap_glows_over_the_dim_picture():
    tensor = np.full((60, 80, 4), 200, np.uint8)
    tensor[..., 3] = 0
    tensor[:, 40:, 3] = 255
    sheet = draw_augmentations(
        [tensor], ["x"], Recipe(width=80, height=60).views, None, seeds=[[]], tile_height=60
    )
    colours = {tuple(colour) for colour in sheet.reshape(-1, 3).tolist()}
    assert (200, 200, 200) in colours, "RGB as it is"
    assert (70, 70, 70) in colours, "dim where there is no heat"
    assert (255, 90, 30) in colours, "glowing where there is"


def test_two_views_stand_side_by_side_as_high_as_the_picture():
    view = PersonView(("rgb", "heatmap"), size=30)
    recipe = Recipe(("rgb",), width=80, height=60, person_view=view)
    x = {
        "picture": np.full((60, 80, 3), 10, np.uint8),
        "person": np.full((30, 30, 4), 250, np.uint8),
        "found": np.ones(1, np.uint8),
    }

    def brighter(given, seed):
        return {**given, "picture": given["picture"] + np.uint8(seed)}

    sheet = draw_augmentations([x], ["x"], recipe.views, brighter, seeds=[[90]], tile_height=60)
    tiles = [sheet[-80:, 4 + i * 204 :][:60, :200] for i in range(2)]
    for tile, level in zip(tiles, (10, 100), strict=True):
        assert (tile[5:55, :80] == level).all() and (tile[5:55, 80:138] == 250).all()
        assert (tile[5:55, 140:] != 250).any()  # its heatmap plane


def test_the_seeds_are_those_of_training():
    seen = {training_seed(0, epoch, index) for epoch in range(3) for index in range(3)}
    assert len(seen) == 9
    assert training_seed(1, 0, 0) not in seen
