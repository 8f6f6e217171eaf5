"""What the network sees in training: tensors and their augmented selves, as one picture."""

from collections.abc import Sequence

import cv2
import numpy as np

from pose_activity.annotations.drawing import gallery
from pose_activity.learning.augmentation import Augmentation
from pose_activity.stage2_classifier.augment import slices_of

_HEAT = np.array([255, 90, 30], np.float32)
_DIM = 0.35  # how bright the picture is behind a heatmap
_HEADING = "left: RGB as the network sees it - right: the heatmap plane, laid over it"


def draw_augmentations(
    tensors: Sequence[np.ndarray],
    names: Sequence[str],
    planes: tuple[str, ...],
    augmentation: Augmentation | None,
    *,
    seeds: Sequence[Sequence[int]],
    tile_height: int = 160,
) -> np.ndarray:
    """Draws a row per tensor: itself, then what training makes of it in its first epochs.

    Args:
        tensors: `(H, W, C)` uint8 each, all of one shape.
        names: One per tensor.
        planes: Names from `cache.planes.CHANNELS`, in the order of the channels.
        augmentation: From `augment.build`; None where training changes nothing.
        seeds: Per tensor one seed per epoch, as many for each; see `training_seed`.
        tile_height: In pixels.

    Returns:
        `(h, w, 3)` uint8 RGB.
    """
    tiles, titles = [], []
    for tensor, name, epochs in zip(tensors, names, seeds, strict=True):
        tiles.append(_draw_planes(tensor, planes))
        titles.append(name)
        if augmentation:
            tiles += [_draw_planes(augmentation(tensor, seed), planes) for seed in epochs]
            titles += [f"epoch {number}" for number in range(1, len(epochs) + 1)]
    height, width = tiles[0].shape[:2]
    return gallery(
        tiles,
        titles,
        columns=len(tiles) // len(tensors),
        tile_size=(round(width * tile_height / height), tile_height),
        heading=_HEADING if len(planes) > 1 else "what the network sees",
    )


def _draw_planes(tensor: np.ndarray, planes: tuple[str, ...]) -> np.ndarray:
    """Returns the planes side by side as `(H, n * W, 3)` uint8 RGB; n is the number of planes.

    A heatmap glows over a dim grey copy of the picture, where there is one.
    """
    at = slices_of(planes)
    rgb = tensor[..., at["rgb"]] if "rgb" in at else np.zeros((*tensor.shape[:2], 3), np.uint8)
    pictures = [rgb] if "rgb" in at else []
    if "heatmap" in at:
        grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)[..., None]
        heat = tensor[..., at["heatmap"]].astype(np.float32) / 255
        pictures.append((heat * _HEAT + (1 - heat) * _DIM * grey).round().astype(np.uint8))
    return np.hstack(pictures)
