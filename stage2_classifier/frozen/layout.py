"""Which numbers of a frozen backbone a picture's vector is made of, and in which order.

A view of a recipe (its only array "x"; or "picture" and "person") has planes. Each plane goes
through the backbone as a picture of its own, RGB as it is, a heatmap as grey and body parts in
colours (see `cache.planes.picture_of`). Each answer becomes two blocks of D numbers, its mean and
its maximum over all places. Where the recipe has an array "found", that number is next, and where
it has "joints", theirs are the last.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from pose_activity.cache.options import Plane
from pose_activity.cache.planes import CHANNELS, FOUND, JOINTS, Recipe

POOLINGS = ("mean", "max")  # in the order of the blocks


@dataclass(frozen=True)
class Look:
    """One picture that the backbone looks at.

    Attributes:
        view: Name of the array.
        plane: What it shows.
        first: Its first channel in the array.
    """

    view: str
    plane: Plane
    first: int

    @property
    def channels(self) -> slice:
        """Its channels in the array."""
        return slice(self.first, self.first + CHANNELS[self.plane])


@dataclass(frozen=True)
class Layout:
    """What a whole vector is made of.

    Attributes:
        looks: In the order of the blocks.
        found: Whether the number after them says that somebody was found.
        joints: How many numbers after that are of joints, see `cache.joint_numbers`.
    """

    looks: tuple[Look, ...]
    found: bool
    joints: int = 0

    @classmethod
    def of(cls, recipe: Recipe) -> "Layout":
        """Returns the layout of a recipe."""
        looks = []
        for name, view in recipe.views.items():
            first = 0
            for plane in view.planes:
                looks.append(Look(name, plane, first))
                first += CHANNELS[plane]
        arrays = recipe.arrays
        joints = int(np.prod(arrays[JOINTS].shape)) if JOINTS in arrays else 0
        return cls(tuple(looks), FOUND in arrays, joints)

    def size(self, features: int) -> int:
        """Returns how long a vector with all blocks is, of a backbone with so many features."""
        return len(self.looks) * len(POOLINGS) * features + self.found + self.joints

    def features(self, size: int) -> int:
        """Returns of how many features a whole vector is, `size` long."""
        return (size - self.found - self.joints) // (len(self.looks) * len(POOLINGS))

    def columns(self, pooling: Collection[str], size: int) -> np.ndarray:
        """Returns the indices of the numbers of a whole vector, `size` long, that poolings keep."""
        kept = np.array([name in pooling for name in POOLINGS] * len(self.looks))
        others = np.ones(self.found + self.joints, bool)
        return np.flatnonzero(np.append(kept.repeat(self.features(size)), others))

    def as_json(self) -> list[Any]:
        """Returns what tells one layout from another."""
        looks = [f"{look.view}.{look.plane}" for look in self.looks]
        return [*looks, *[FOUND] * self.found, *[JOINTS] * (self.joints > 0)]
