"""The recipes that there are, by what their JSON calls them in "kind"."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from pose_activity.cache import probes
from pose_activity.cache.parts import PartsRecipe
from pose_activity.cache.planes import Recipe
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.cache.storage import Layout


class AnyRecipe(Layout, Protocol):
    """What caches and classifiers ask of a recipe."""

    KIND: ClassVar[str]  # the kind of input of a classifier of its tensors
    UNIT: ClassVar[str]  # what its tensors are made of, in the plural

    def as_json(self) -> dict[str, Any]:
        """Returns what `recipe_of` reads."""
        ...


@dataclass(frozen=True)
class RecipeKind:
    """A kind of recipe.

    Attributes:
        recipe: The class; its `from_json` reads what its `as_json` returned.
        probes: Yields the test tensors of a recipe, for `cache.fingerprint`.
    """

    recipe: type[Any]
    probes: Callable[[Any], Iterator[np.ndarray]]


_PLANES = "planes"  # the only kind that its JSON does not name
_SEQUENCE = RecipeKind(SequenceRecipe, probes.of_sequence)
RECIPES: dict[str, RecipeKind] = {
    _PLANES: RecipeKind(Recipe, probes.of_planes),
    "joints": _SEQUENCE,
    "maps": _SEQUENCE,
    PartsRecipe.KIND: RecipeKind(PartsRecipe, probes.of_parts),
}


def recipe_of(values: Mapping[str, Any]) -> Any:
    """Builds the recipe that its `as_json` described.

    Raises:
        ValueError: of a kind that this version does not know.
    """
    kind = values.get("kind", _PLANES)
    if kind not in RECIPES:
        raise ValueError(f"A recipe's kind must be one of {[*RECIPES]}. Received: {kind!r}")
    return RECIPES[kind].recipe.from_json(values)


def kind_of(recipe: AnyRecipe) -> RecipeKind:
    """Returns the kind of a recipe."""
    return next(kind for kind in RECIPES.values() if kind.recipe is type(recipe))
