"""The list of changes of which training draws some for each picture.

Moves act on RGB and heatmap alike, looks on RGB alone. Source: Cubuk et al., "RandAugment:
Practical automated data augmentation with a reduced search space", CVPR workshops 2020; without its
inversion and with strengths below its own, since people's joints must stay where they can be seen.
"""

from types import ModuleType
from typing import Any


def listed(A: ModuleType, strength: float, *, looks: bool, **moving: Any) -> list[Any]:
    """Returns the changes.

    Args:
        A: The module albumentations.
        strength: 0 is next to nothing, 1 the most that is still a picture.
        looks: Whether there is RGB to change.
        **moving: How a move interpolates and fills.
    """
    turn, share = 30 * strength, 0.3 * strength
    moves = [
        A.Affine(rotate=(-turn, turn), p=1.0, **moving),
        A.Affine(shear={"x": (-turn / 2, turn / 2), "y": (-turn / 2, turn / 2)}, p=1.0, **moving),
        A.Affine(translate_percent=(-share, share), p=1.0, **moving),
        A.Affine(scale=(1 - share, 1 + share), p=1.0, **moving),
        A.Perspective(scale=(0, share / 3), p=1.0, **moving),
    ]
    return [*moves, *_looks(A, strength)] if looks else moves


def _looks(A: ModuleType, strength: float) -> list[Any]:
    half = 0.5 * strength
    return [
        A.RandomBrightnessContrast(brightness_limit=half, contrast_limit=0.0, p=1.0),
        A.RandomBrightnessContrast(brightness_limit=0.0, contrast_limit=half, p=1.0),
        A.HueSaturationValue(9 * strength, 150 * strength, 0, p=1.0),
        A.RandomGamma(gamma_limit=(100 - 60 * strength, 100 + 100 * strength), p=1.0),
        A.Sharpen(alpha=(0, strength), p=1.0),
        A.GaussianBlur(sigma_limit=(0, 2 * strength), p=1.0),
        A.Posterize(num_bits=7 - round(3 * strength), p=1.0),
        A.Equalize(p=1.0) if strength >= 0.5 else A.AutoContrast(p=1.0),
    ]
