"""Changes a training image and its mask together; numpy and OpenCV only.

Examples are those of a `PartsRecipe`: "x" `(H, W, C)` uint8, "y" `(H, W)` uint8 targets. A class
number is a name: masks and bones are never interpolated.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from pose_activity.annotations.parts import IGNORE, PARTS15, PartScheme, swap_sides
from pose_activity.cache.record import Example
from pose_activity.learning.augmentation_seed import Augmentation
from pose_activity.stage1_parts.options import PartsAugment

_GREY = 114.0  # what a letterbox is padded with
_MIDDLE = 0.3  # a centre that is drawn lies as far from the edges, as a share of the size


def build(
    planes: tuple[str, ...],
    *,
    scheme: PartScheme,
    targets: Sequence[Sequence[int]],
    options: PartsAugment,
) -> Augmentation:
    """Builds the function that changes an example.

    Args:
        planes: Of "x": ("rgb",) or ("rgb", "bones").
        scheme: The classes.
        targets: What a number of "y" can be; see `PartsRecipe.targets`.
        options: How much.

    Returns:
        A function from an example and a seed to a new example; the same seed changes it alike.
    """
    other_side = mirrored_targets(scheme, targets)

    def augment(example: Example, seed: int) -> Example:
        rng = np.random.default_rng(seed)
        y = np.asarray(example.y)
        move, mirrored = _draw_move(y, rng, options)
        size = (y.shape[1], y.shape[0])
        picture = cv2.warpAffine(
            np.ascontiguousarray(example.x[..., :3]),
            move,
            size,
            flags=cv2.INTER_LINEAR,
            borderValue=(_GREY,) * 3,
        )
        target: Any = cv2.warpAffine(y, move, size, flags=cv2.INTER_NEAREST, borderValue=(IGNORE,))
        out = [_recolour(picture, rng, options)]
        if len(planes) > 1:
            bones = np.ascontiguousarray(example.x[..., 3])
            bones = cv2.warpAffine(bones, move, size, flags=cv2.INTER_NEAREST)
            bones *= np.uint8(rng.random() >= options.bones_dropout)
            out.append(swap_sides(bones, PARTS15) if mirrored else bones)
        return Example(np.dstack(out), other_side[target] if mirrored else target)

    return augment


def mirrored_targets(scheme: PartScheme, targets: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns `(256,)` uint8: for each target, what it is in a mirrored image.

    Raises:
        ValueError: the mirror image of a target is none of the targets.
    """
    table = np.arange(256, dtype=np.uint8)
    sets = [frozenset(members) for members in targets]
    for number, members in enumerate(sets):
        other = frozenset(scheme.flip_index[member] for member in members)
        if other not in sets:
            names = ", ".join(scheme.names[member] for member in sorted(members))
            raise ValueError(
                f"A target's mirror image must be a target, too. Not so: {names}. Label both sides."
            )
        table[number] = sets.index(other)
    return table


def _draw_move(
    y: np.ndarray, rng: np.random.Generator, options: PartsAugment
) -> tuple[np.ndarray, bool]:
    """Returns the affine map `(2, 3)` of pixels, and whether it mirrors."""
    height, width = y.shape
    scale = np.exp(rng.uniform(np.log(options.smallest), np.log(options.largest)))
    turn = np.deg2rad(rng.uniform(-options.rotate, options.rotate))
    stretch = np.sqrt(1 + rng.uniform(-options.stretch, options.stretch))
    mirrored = rng.random() < options.mirror
    cos, sin = np.cos(turn), np.sin(turn)
    turned = scale * np.array([[stretch * cos, -stretch * sin], [sin / stretch, cos / stretch]])
    if mirrored:
        turned[0] *= -1
    people = np.flatnonzero((y > 0) & (y != IGNORE)) if rng.random() < options.on_people else []
    if len(people):
        row, column = divmod(int(people[rng.integers(len(people))]), width)
        centre = np.array([column, row], float)
    else:
        centre = rng.uniform(_MIDDLE, 1 - _MIDDLE, 2) * (width, height)
    middle = np.array([width - 1, height - 1]) / 2
    return np.column_stack([turned, middle - turned @ centre]), mirrored


def _recolour(picture: np.ndarray, rng: np.random.Generator, options: PartsAugment) -> np.ndarray:
    def change(most: float, *size: int) -> np.ndarray:
        return rng.uniform(-most, most, size)

    x = picture.astype(np.float32)
    x = (x - 128) * (1 + change(options.contrast, 1)) + 128 + 255 * change(options.brightness, 1)
    grey = x.mean(axis=2, keepdims=True)
    x = grey + (x - grey) * (1 + change(options.saturation, 1))
    x *= 1 + change(options.tint, 3)
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)
