"""What the network sees in training: tensors and their augmented selves, as one picture."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from pose_activity.annotations.drawing import gallery
from pose_activity.cache.planes import View, picture_of
from pose_activity.cache.record import Input, by_name
from pose_activity.learning.augmentation_seed import Change
from pose_activity.stage2_classifier.augment import slices_of

_HEAT = np.array([255, 90, 30], np.float32)
_DIM = 0.35  # how bright the picture is behind a heatmap
_HEADING = "left: RGB as the network sees it - right: the heatmap plane, laid over it"
_RGB_ONLY = "what the network sees"


def draw_augmentations(
    inputs: Sequence[Input],
    names: Sequence[str],
    views: Mapping[str, View],
    augmentation: Change | None,
    *,
    seeds: Sequence[Sequence[int]],
    tile_height: int = 160,
) -> np.ndarray:
    """Draws a row per example: itself, then what training makes of it in its first epochs.

    Args:
        inputs: What the network sees of each: `(H, W, C)` uint8, or arrays by name.
        names: One per example.
        views: What the arrays that are pictures show; see `cache.planes.Recipe.views`.
        augmentation: Changes an input; None where training changes nothing.
        seeds: Per example one seed per epoch, as many for each; see `training_seed`.
        tile_height: In pixels.

    Returns:
        `(h, w, 3)` uint8 RGB.
    """
    tiles, titles = [], []
    for x, name, epochs in zip(inputs, names, seeds, strict=True):
        tiles.append(_draw_views(x, views))
        titles.append(name)
        if augmentation:
            tiles += [_draw_views(augmentation(x, seed), views) for seed in epochs]
            titles += [f"epoch {number}" for number in range(1, len(epochs) + 1)]
    height, width = tiles[0].shape[:2]
    return gallery(
        tiles,
        titles,
        columns=len(tiles) // len(inputs),
        tile_size=(round(width * tile_height / height), tile_height),
        heading=_HEADING if any(len(v.planes) > 1 for v in views.values()) else _RGB_ONLY,
    )


def _draw_views(x: Input, views: Mapping[str, View]) -> np.ndarray:
    """Returns the views side by side, `(H, W, 3)` uint8 RGB, as high as the first."""
    drawn = [_draw_planes(by_name(x)[name], view.planes) for name, view in views.items()]
    height = len(drawn[0])
    return np.hstack([_as_high(picture, height) for picture in drawn])


def _as_high(picture: np.ndarray, height: int) -> np.ndarray:
    width = max(1, round(picture.shape[1] * height / len(picture)))
    way = cv2.INTER_AREA if height < len(picture) else cv2.INTER_LINEAR
    return cv2.resize(picture, (width, height), interpolation=way)


def _draw_planes(tensor: np.ndarray, planes: tuple[str, ...]) -> np.ndarray:
    """Returns the planes side by side as `(H, n * W, 3)` uint8 RGB; n is the number of planes.

    The picture comes first, then a heatmap, then what shows body parts.

    A heatmap glows over a dim grey copy of the picture, where there is one.
    """
    at = slices_of(planes)
    rgb = tensor[..., at["rgb"]] if "rgb" in at else np.zeros((*tensor.shape[:2], 3), np.uint8)
    pictures = [rgb] if "rgb" in at else []
    if "heatmap" in at:
        grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)[..., None]
        heat = tensor[..., at["heatmap"]].astype(np.float32) / 255
        pictures.append((heat * _HEAT + (1 - heat) * _DIM * grey).round().astype(np.uint8))
    others = [plane for plane in planes if plane not in ("rgb", "heatmap")]
    shown = (picture_of(plane, tensor[..., at[plane]]) for plane in others)
    return np.hstack([*pictures, *(np.rint(picture).astype(np.uint8) for picture in shown)])
