"""Drawn people with a map of their body parts: a kind whose target is no class name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from pose_activity.annotations.synthetic import render
from pose_activity.annotations.synthetic.body import place, view
from pose_activity.annotations.synthetic.render import draw_person, wardrobe
from pose_activity.cache import recipes, store
from pose_activity.cache.record import Arrays, ArraySpec, Entry, X, Y, key_of

SIZE = 32
CLASSES = ("nobody", *(f"part {number}" for number in range(16)))  # as the painter counts them
_ENDS = [{*part.ends} for part in render._PARTS]
_SIDES = {"left": "right", "right": "left"}


def _mirrored(ends: set[str]) -> set[str]:
    return {"_".join(_SIDES.get(word, word) for word in end.split("_")) for end in ends}


# Class -> that of a mirrored image: those of left and right parts change places.
OTHER_SIDE = np.array([0, *(1 + _ENDS.index(_mirrored(ends)) for ends in _ENDS), len(_ENDS) + 1])
SPLITS = ("train",) * 60 + ("val",) * 4


@dataclass(frozen=True)
class PartsRecipe:
    """An image, and the part that each of its pixels shows."""

    KIND: ClassVar[str] = "parts"
    UNIT: ClassVar[str] = "images"

    @property
    def arrays(self) -> dict[str, ArraySpec]:
        return {
            X: ArraySpec((SIZE, SIZE, 3), np.dtype("|u1")),
            Y: ArraySpec((SIZE, SIZE), np.dtype("|u1")),
        }

    def as_json(self) -> dict[str, Any]:
        return {"kind": "drawn parts"}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "PartsRecipe":
        return cls()


recipes.RECIPES["drawn parts"] = recipes.RecipeKind(PartsRecipe, lambda recipe: iter(()))


@dataclass(frozen=True)
class DrawnPerson:
    """A person in front of grey, alone in an image."""

    number: int

    @property
    def entry(self) -> Entry:
        source = Path(f"drawn/{self.number}.png")
        return Entry(key_of(source), source, None, SPLITS[self.number], -1, sha256="")

    @property
    def made_from(self) -> str:
        return str(self.number)

    def draw(self, recipe: PartsRecipe) -> Arrays:
        rng, side = np.random.default_rng(self.number), 8 * SIZE
        canvas = np.full((side, side, 3), 128, np.uint8)
        owner = np.full((side, side), -1, np.int16)
        points = place(view("standing", rng), 0, 1, side // 2, (side, side), rng)
        draw_person(canvas, owner, 0, points, wardrobe(rng))
        x = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        y = (owner[4::8, 4::8] + 1).astype(np.uint8)
        return {X: x, Y: y}


def build_cache(folder: Path) -> Path:
    """Returns the folder of a finished cache."""
    people = [DrawnPerson(number) for number in range(len(SPLITS))]
    store.build(folder, people, recipe=PartsRecipe(), classes=CLASSES, inputs={})
    return folder
