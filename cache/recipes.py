"""The recipes that there are, by what their JSON calls them in "kind"."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

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


_PLANES = "planes"  # the only kind that its JSON does not name
RECIPES: dict[str, type[Any]] = {
    _PLANES: Recipe,
    "joints": SequenceRecipe,
    "maps": SequenceRecipe,
}


def recipe_of(values: Mapping[str, Any]) -> Any:
    """Builds the recipe that its `as_json` described.

    Raises:
        ValueError: of a kind that this version does not know.
    """
    kind = values.get("kind", _PLANES)
    if kind not in RECIPES:
        raise ValueError(f"A recipe's kind must be one of {[*RECIPES]}. Received: {kind!r}")
    return RECIPES[kind].from_json(values)
