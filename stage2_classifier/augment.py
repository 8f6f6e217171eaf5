"""Random changes to a training tensor: all planes move together, all else changes RGB only.

In and out go `(H, W, C)` uint8 tensors. The same seed gives the same change, on any machine thread.
A knob at 0 is off, and draws no random number. The order: flip, affine moves, perspective, colours,
blur, noise, compression, holes, then what is drawn from a list. A mirrored heatmap is the heatmap
of mirrored joints, and mirrored parts those of a mirrored body, since they do not tell left from
right. Of the two planes that are pictures both change alike.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from pose_activity.cache.planes import CHANNELS, View
from pose_activity.cache.record import X
from pose_activity.learning.augmentation_seed import Change, training_seed
from pose_activity.stage2_classifier import random_changes
from pose_activity.stage2_classifier.options import Augment

_GREY = 114  # what the letterbox pads with, too
_PICTURES = ("rgb", "rgb_person")


def build(planes: tuple[str, ...], options: Augment | None = None) -> Change:
    """Builds the function that changes one tensor.

    Args:
        planes: Names from `cache.planes.CHANNELS`, in the order of the channels.
        options: How much; None for the usual options.

    Returns:
        A function from a `(H, W, C)` uint8 tensor and a seed to the changed tensor.
    """
    asked = options or Augment()
    A = _albumentations()
    shown = [plane for plane in planes if plane in _PICTURES]
    masks = [plane for plane in planes if plane not in _PICTURES]
    pictures = bool(shown)
    outside = {"fill": _GREY if pictures else 0, "fill_mask": 0}
    smooth = {"interpolation": cv2.INTER_LINEAR, "mask_interpolation": cv2.INTER_LINEAR}

    def on(strength: float, kind: Any, **options: Any) -> list[Any]:
        return [kind(**{"p": 1.0, **options})] if strength else []

    moves = [
        *on(asked.flip, A.HorizontalFlip, p=asked.flip),
        *on(
            max(asked.scale, asked.translate, asked.rotate, asked.shear),
            A.Affine,
            scale=(1 - asked.scale, 1 + asked.scale),
            translate_percent=(-asked.translate, asked.translate),
            rotate=(-asked.rotate, asked.rotate),
            shear={axis: (-asked.shear, asked.shear) for axis in "xy"},
            **smooth,
            **outside,
        ),
        *on(asked.perspective, A.Perspective, scale=(0, asked.perspective), **smooth, **outside),
    ]
    looks = [
        *on(
            max(asked.hue, asked.saturation, asked.value),
            A.HueSaturationValue,
            hue_shift_limit=asked.hue * 180,
            sat_shift_limit=asked.saturation * 255,
            val_shift_limit=asked.value * 255,
        ),
        *on(
            max(asked.brightness, asked.contrast),
            A.RandomBrightnessContrast,
            brightness_limit=asked.brightness,
            contrast_limit=asked.contrast,
        ),
        *on(asked.grayscale, A.ToGray, p=asked.grayscale),
        *on(asked.blur, A.GaussianBlur, sigma_limit=(0, asked.blur)),
        *on(asked.noise, A.GaussNoise, std_range=(0, asked.noise)),
        *on(
            asked.compression,
            A.ImageCompression,
            quality_range=(max(1, round(100 * (1 - asked.compression))), 100),
        ),
        *on(
            asked.holes,
            A.CoarseDropout,
            num_holes_range=(1, asked.holes),
            hole_height_range=(asked.hole_size / 2, asked.hole_size),
            hole_width_range=(asked.hole_size / 2, asked.hole_size),
            fill=_GREY,
            p=asked.holes / (asked.holes + 1),
        ),
    ]
    drawn = []
    if asked.random_changes:
        moving = {**smooth, **outside}
        some = random_changes.listed(A, asked.random_strength, looks=pictures, **moving)
        drawn = [A.SomeOf(some, n=asked.random_changes, replace=True, p=1.0)]
    more = {plane: "image" for plane in shown[1:]}
    change = A.Compose(
        [*moves, *(looks if pictures else []), *drawn], additional_targets=more, seed=0
    )
    slices = slices_of(planes)

    def augment(tensor: np.ndarray, seed: int) -> np.ndarray:
        change.set_random_seed(seed)
        if len(slices) == 1:
            changed = {planes[0]: change(image=np.ascontiguousarray(tensor))["image"]}
        else:
            changed = _change_all(change, tensor, slices, shown, masks)
        if "heatmap" in changed and _chance(seed) < asked.heatmap_dropout:
            changed["heatmap"] = np.zeros_like(changed["heatmap"])
        out = np.empty_like(tensor)
        for plane, values in changed.items():
            out[..., slices[plane]] = values
        return out

    return augment


def _change_all(
    change: Any,
    tensor: np.ndarray,
    slices: Mapping[str, slice],
    shown: Sequence[str],
    masks: Sequence[str],
) -> dict[str, np.ndarray]:
    """Changes the planes of a tensor alike: those that are pictures, and those that are masks."""
    whole = {plane: np.ascontiguousarray(tensor[..., slices[plane]]) for plane in slices}
    stacked = np.concatenate([whole[plane] for plane in masks], axis=2) if masks else None
    first, *others = shown or masks[:1]
    given = {"image": whole[first], **{plane: whole[plane] for plane in others}}
    if stacked is not None:
        given["mask"] = stacked[..., 0] if stacked.shape[2] == 1 else stacked
    answer = change(**given)
    changed = {plane: answer["image" if plane == first else plane] for plane in shown}
    start = 0
    for plane in masks:
        channels = whole[plane].shape[2]
        mask = answer["mask"].reshape(*answer["mask"].shape[:2], -1)
        changed[plane] = mask[..., start : start + channels]
        start += channels
    return changed


def build_views(views: Mapping[str, View], options: Augment | None = None) -> Change:
    """Builds the function that changes the pictures of one example, each view in its own way.

    Args:
        views: Name of an input -> what it shows; see `cache.planes.Recipe.views`.
        options: See `build`.

    Returns:
        A function from an array, where there is one view, or from arrays by name, and a seed.
        Arrays of other names are left as they are.
    """
    changes = {name: build(view.planes, options) for name, view in views.items()}

    def augment(x: Any, seed: int) -> Any:
        if not isinstance(x, Mapping):
            return changes[X](x, seed)
        seeds = {name: training_seed(seed, 0, place) for place, name in enumerate(changes)}
        return {n: changes[n](a, seeds[n]) if n in changes else a for n, a in x.items()}

    return augment


def _chance(seed: int) -> float:
    # A generator of its own: what else is changed does not depend on whether this is asked for.
    return np.random.default_rng((seed, 1)).random()


def _albumentations() -> ModuleType:
    """Imports albumentations without its look-up of new versions and without torch.

    It imports torch if that is installed; we use none of it, and torch must not enter the
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
    """Returns the position of each plane among a tensor's channels."""
    slices, start = {}, 0
    for plane in planes:
        slices[plane] = slice(start, start + CHANNELS[plane])
        start += CHANNELS[plane]
    return slices
