"""Random changes to a training tensor: RGB and heatmap move together, all else changes RGB only.

In and out go `(H, W, C)` uint8 tensors. The same seed gives the same change, on any machine thread.
A knob at 0 is off, and draws no random number. The order: flip, affine moves, perspective, colours,
blur, noise, compression, holes. A mirrored heatmap is the heatmap of mirrored joints, since it does
not tell left from right.
"""

import os
import sys
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from pose_activity.cache.planes import CHANNELS
from pose_activity.learning.augmentation import Augmentation

_GREY = 114  # what the letterbox pads with, too
_BOTH = ("rgb", "heatmap")


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
    shear: float = 0.0,
    perspective: float = 0.0,
    grayscale: float = 0.0,
    blur: float = 0.0,
    noise: float = 0.0,
    compression: float = 0.0,
    holes: int = 0,
    hole_size: float = 0.2,
    heatmap_dropout: float = 0.0,
) -> Augmentation:
    """Builds the function that changes one tensor.

    Args:
        planes: Names from `cache.planes.CHANNELS`, in the order of the channels.
        flip: Probability of mirroring left and right.
        rotate: Largest rotation, in degrees.
        translate: Largest shift, as a share of width and height.
        scale: Largest change of size: the factors of width and of height, each drawn by itself,
            lie in [1 - scale, 1 + scale].
        hue: Largest shift, as a share of the colour circle.
        saturation: Largest shift, as a share of its range.
        value: Largest shift of HSV's value, as a share of its range.
        brightness: Largest shift, as a share of the range 0..255.
        contrast: Largest relative change.
        shear: Largest slant of the picture's axes, each by its own, in degrees.
        perspective: Largest standard deviation of the corners' shifts inwards, as a share of width
            and height.
        grayscale: Probability that RGB becomes grey.
        blur: Largest standard deviation of a Gaussian blur, in pixels.
        noise: Largest standard deviation of Gaussian noise per value, as a share of 0..255.
        compression: Largest loss of JPEG quality, as a share of 100: the quality lies in
            [100 (1 - compression), 100].
        holes: Largest number of grey rectangles laid on RGB (not on the heatmap); each number from
            0 on is as likely.
        hole_size: Largest side of such a rectangle, as a share of width and height; the smallest is
            half of that.
        heatmap_dropout: Probability that the heatmap is blank, as where stage 1 finds nobody.

    Returns:
        A function from a `(H, W, C)` uint8 tensor and a seed to the changed tensor.
    """
    A = _albumentations()
    pictures = "rgb" in planes
    outside = {"fill": _GREY if pictures else 0, "fill_mask": 0}
    smooth = {"interpolation": cv2.INTER_LINEAR, "mask_interpolation": cv2.INTER_LINEAR}

    def on(strength: float, kind: Any, **options: Any) -> list[Any]:
        return [kind(**{"p": 1.0, **options})] if strength else []

    moves = [
        *on(flip, A.HorizontalFlip, p=flip),
        *on(
            max(scale, translate, rotate, shear),
            A.Affine,
            scale=(1 - scale, 1 + scale),
            translate_percent=(-translate, translate),
            rotate=(-rotate, rotate),
            shear={axis: (-shear, shear) for axis in "xy"},
            **smooth,
            **outside,
        ),
        *on(perspective, A.Perspective, scale=(0, perspective), **smooth, **outside),
    ]
    looks = [
        *on(
            max(hue, saturation, value),
            A.HueSaturationValue,
            hue_shift_limit=hue * 180,
            sat_shift_limit=saturation * 255,
            val_shift_limit=value * 255,
        ),
        *on(
            max(brightness, contrast),
            A.RandomBrightnessContrast,
            brightness_limit=brightness,
            contrast_limit=contrast,
        ),
        *on(grayscale, A.ToGray, p=grayscale),
        *on(blur, A.GaussianBlur, sigma_limit=(0, blur)),
        *on(noise, A.GaussNoise, std_range=(0, noise)),
        *on(
            compression,
            A.ImageCompression,
            quality_range=(max(1, round(100 * (1 - compression))), 100),
        ),
        *on(
            holes,
            A.CoarseDropout,
            num_holes_range=(1, holes),
            hole_height_range=(hole_size / 2, hole_size),
            hole_width_range=(hole_size / 2, hole_size),
            fill=_GREY,
            p=holes / (holes + 1),
        ),
    ]
    change = A.Compose([*moves, *(looks if pictures else [])], seed=0)
    slices = slices_of(planes)

    def augment(tensor: np.ndarray, seed: int) -> np.ndarray:
        change.set_random_seed(seed)
        if len(slices) == 1:
            changed = {planes[0]: change(image=np.ascontiguousarray(tensor))["image"]}
        else:
            rgb, heatmap = (np.ascontiguousarray(tensor[..., slices[p]]) for p in _BOTH)
            answer = change(image=rgb, mask=heatmap[..., 0])
            changed = {"rgb": answer["image"], "heatmap": answer["mask"][..., None]}
        if "heatmap" in changed and _chance(seed) < heatmap_dropout:
            changed["heatmap"] = np.zeros_like(changed["heatmap"])
        out = np.empty_like(tensor)
        for plane, values in changed.items():
            out[..., slices[plane]] = values
        return out

    return augment


def _chance(seed: int) -> float:
    # A generator of its own: what else is changed does not depend on whether this is asked for.
    return np.random.default_rng((seed, 1)).random()


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


def slices_of(planes: tuple[str, ...]) -> dict[str, slice]:
    """Returns where each plane lies among a tensor's channels."""
    slices, start = {}, 0
    for plane in planes:
        slices[plane] = slice(start, start + CHANNELS[plane])
        start += CHANNELS[plane]
    return slices
