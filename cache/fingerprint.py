"""What makes a tensor, as a digest: that of test tensors, made by the code that makes all others.

A recipe says what is asked for, not how OpenCV and this code do it: another version of either may
draw another tensor of the same recipe, which no network was trained on. A recipe that was signed
holds the digest of its test tensors (see `cache.probes`), made in a few milliseconds when it is
needed.
"""

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeVar

import cv2

from pose_activity.artifacts import manifest
from pose_activity.cache.parts import PartsRecipe
from pose_activity.cache.planes import PoseModelId, Recipe
from pose_activity.cache.recipes import kind_of
from pose_activity.cache.sequence_recipe import SequenceRecipe

AnySigned = Recipe | SequenceRecipe | PartsRecipe
Signed = TypeVar("Signed", Recipe, SequenceRecipe, PartsRecipe)

OLDER = (
    "the model is of a version that did not write down how its tensors are made: that they are "
    "made so today was not checked. Made again, the steps cache and stage2 write it down."
)


class FingerprintError(ValueError):
    """This installation makes other tensors than a model was trained on."""


def sign(recipe: Signed, folder: Path) -> Signed:
    """Returns a recipe with the fingerprint that it has here.

    Args:
        recipe: Not signed.
        folder: Of the cache that it is for. Where an older version finished one there, the recipe
            stays as it is: how its tensors were made is unknown, and it is not made again for
            that.

    Raises:
        ValueError: the cache's manifest is damaged.
    """
    there = manifest.read(folder)
    if there is not None and "fingerprint" not in there["recipe"]:
        return recipe
    return replace(recipe, fingerprint=of(recipe))


def require(recipe: AnySigned) -> str | None:
    """Refuses a recipe whose tensors would be other ones here.

    Returns:
        A note on a recipe that an older version never signed; else None.

    Raises:
        FingerprintError: they would be.
    """
    if not recipe.fingerprint:
        return OLDER
    if (here := of(recipe)) == recipe.fingerprint:
        return None
    raise FingerprintError(
        "Of the same picture and poses, the same tensor must be made as in training. Received: "
        f"fingerprint {here[:12]} here, {recipe.fingerprint[:12]} in training. OpenCV "
        f"({cv2.__version__} here) or this project has another version: install those that the "
        "run's versions.json names, or make the steps cache and stage2 again."
    )


def of(recipe: AnySigned) -> str:
    """Returns the digest of a recipe's test tensors."""
    # Which weights found the poses is no matter of drawing.
    pose = PoseModelId(skeleton=recipe.pose.skeleton)
    return _digest(replace(recipe, fingerprint="", pose=pose))


@cache
def _digest(recipe: AnySigned) -> str:
    digest = hashlib.sha256()
    for tensor in kind_of(recipe).probes(recipe):
        digest.update(tensor.tobytes())
    return digest.hexdigest()
