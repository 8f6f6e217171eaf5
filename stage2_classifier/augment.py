"""Random changes to a training tensor: RGB and heatmap move together, colours change in RGB only.

In and out go `(H, W, C)` uint8 tensors. The same seed gives the same change, on any machine thread.
A mirrored heatmap is the heatmap of mirrored joints, since it does not tell left from right.
"""

import os
import sys
from collections.abc import Callable
from types import ModuleType

import cv2
import numpy as np

from cache.planes import CHANNELS

Augmentation = Callable[[np.ndarray, int], np.ndarray]


def build(
    planes: tuple[str, ...],
    *,
    flip: float = 0.5,
    rotate: float = 10.0,
    translate: float = 0.05,
    scale: float = 0.1,
    hue: float = 0.02,
    saturation: float = 0.2,
    value: float = 0.1,
    brightness: float = 0.1,
    contrast: float = 0.1,
) -> Augmentation:
    """Builds the function that changes one tensor.

    Args:
        planes: Names from `cache.planes.CHANNELS`, in the order of the channels.
        flip: Probability of mirroring left and right.
        rotate: Largest rotation, in degrees.
        translate: Largest shift, as a share of width and height.
        scale: Largest change of size: the factor lies in [1 - scale, 1 + scale].
        hue: Largest shift, as a share of the colour circle.
        saturation: Largest shift, as a share of its range.
        value: Largest shift of HSV's value, as a share of its range.
        brightness: Largest shift, as a share of the range 0..255.
        contrast: Largest relative change.

    Returns:
        A function from a `(H, W, C)` uint8 tensor and a seed to the changed tensor.
    """
    A = _albumentations()

    moves = [
        A.HorizontalFlip(p=flip),
        A.Affine(
            scale=(1 - scale, 1 + scale),
            translate_percent=(-translate, translate),
            rotate=(-rotate, rotate),
            interpolation=cv2.INTER_LINEAR,
            mask_interpolation=cv2.INTER_LINEAR,
            fill=114 if "rgb" in planes else 0,
            fill_mask=0,
            p=1.0 if max(scale, translate, rotate) > 0 else 0.0,
        ),
    ]
    colours = [
        A.HueSaturationValue(
            hue_shift_limit=hue * 180,
            sat_shift_limit=saturation * 255,
            val_shift_limit=value * 255,
            p=1.0 if max(hue, saturation, value) > 0 else 0.0,
        ),
        A.RandomBrightnessContrast(
            brightness_limit=brightness,
            contrast_limit=contrast,
            p=1.0 if max(brightness, contrast) > 0 else 0.0,
        ),
    ]
    change = A.Compose([*moves, *(colours if "rgb" in planes else [])], seed=0)
    slices = _slices(planes)

    def augment(tensor: np.ndarray, seed: int) -> np.ndarray:
        change.set_random_seed(seed)
        if len(slices) == 1:
            return change(image=np.ascontiguousarray(tensor))["image"]
        rgb, heatmap = (np.ascontiguousarray(tensor[..., slices[p]]) for p in ("rgb", "heatmap"))
        changed = change(image=rgb, mask=heatmap[..., 0])
        out = np.empty_like(tensor)
        out[..., slices["rgb"]] = changed["image"]
        out[..., slices["heatmap"]] = changed["mask"][..., None]
        return out

    return augment


def _albumentations() -> ModuleType:
    """Imports albumentations without its look-up of new versions and without torch.

    It takes torch along where that is installed; we use none of it, and torch must not enter the
    process in which TensorFlow trains.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    without_torch = "torch" not in sys.modules
    if without_torch:
        sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        import albumentations
    finally:
        if without_torch:
            del sys.modules["torch"]
    return albumentations


def _slices(planes: tuple[str, ...]) -> dict[str, slice]:
    slices, start = {}, 0
    for plane in planes:
        slices[plane] = slice(start, start + CHANNELS[plane])
        start += CHANNELS[plane]
    return slices
