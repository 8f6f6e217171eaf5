"""What makes a tensor, as a digest: that of test tensors, made by the code that makes all others.

A recipe says what is asked for, not how OpenCV and this code do it: another version of either may
draw another tensor of the same recipe, which no network was trained on. A recipe that was signed
holds the digest of its test tensors, made in a few milliseconds when it is needed.

The test pictures are such that every engine of one OpenCV gives them the same bits: they become
three times smaller, where a mean of nine whole numbers is never half-way between two others, or
twice as large, from multiples of 16. Floats are rounded to 1/64 of a body's unit.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.skeleton import SKELETONS, Skeleton
from pose_activity.annotations.types import Poses, no_people
from pose_activity.artifacts import manifest
from pose_activity.cache.framing import square, window
from pose_activity.cache.options import PersonView
from pose_activity.cache.people import POLICIES
from pose_activity.cache.planes import FOUND, PERSON, PoseModelId, Recipe, make, make_arrays
from pose_activity.cache.sequence import prepare
from pose_activity.cache.sequence_recipe import SequenceRecipe

Signed = TypeVar("Signed", Recipe, SequenceRecipe)

OLDER = (
    "the model is of a version that did not write down how its tensors are made: that they are "
    "made so today was not checked. Made again, the steps cache and stage2 write it down."
)
_RATE = 25.0  # frames per second of the test clip, if the recipe takes frames as they come


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


def require(recipe: Recipe | SequenceRecipe) -> str | None:
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


def of(recipe: Recipe | SequenceRecipe) -> str:
    """Returns the digest of a recipe's test tensors."""
    # Which weights found the poses is no matter of drawing.
    pose = PoseModelId(skeleton=recipe.pose.skeleton)
    return _digest(replace(recipe, fingerprint="", pose=pose))


@cache
def _digest(recipe: Recipe | SequenceRecipe) -> str:
    digest = hashlib.sha256()
    for tensor in _TEST_TENSORS[type(recipe)](recipe):
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def _planes(recipe: Recipe) -> Iterator[np.ndarray]:
    skeleton = _skeleton(recipe.pose.skeleton)
    width, height = recipe.width, recipe.height
    sides = 2 if recipe.resize == "letterbox" else 1  # of half the height, so that it is padded
    smaller = _picture(3 * width, 3 * max(1, height // sides))
    times = [2 if side % (2 * sides) == 0 else 1 for side in (width, height)]
    times = [min(times)] * 2 if recipe.resize == "letterbox" else times
    larger = _picture(width // times[0], max(1, height // (sides * times[1]))) // 16 * 16
    for picture in (smaller, larger):
        size = (picture.shape[1], picture.shape[0])
        whole = recipe.one_by_one and (recipe.person == "crop" or picture is larger)
        poses = _poses(size, skeleton, inner=not whole)
        people = range(len(poses.boxes)) if recipe.one_by_one else [None]
        for person in people:
            yield make(picture, poses, recipe, person)
    if recipe.one_by_one:
        yield np.array(
            window(np.array([100.5, 60.25, 180, 250], np.float32), (640, 480), recipe.margin)
        )
    if recipe.person_view:
        yield from _people_views(recipe, recipe.person_view, skeleton)


def _people_views(recipe: Recipe, view: PersonView, skeleton: Skeleton) -> Iterator[np.ndarray]:
    """Yields the person's view of people at a picture's edge, and of nobody; and who is chosen."""
    size = view.size
    half = size // 2 if size % 2 == 0 else size
    # The square is that large, and this much of it lies outside the picture.
    for side, outside in ((3 * size, size // 4 * 3), (half, half // 4)):
        picture = _picture(side, side) if side > size else _picture(side, side) // 16 * 16
        reach = side / (1 + 2 * view.margin) / 2
        middle = np.array([side / 2 - outside, side / 2])
        box = np.concatenate([middle - reach, middle + reach]).astype(np.float32)
        people = _poses((side, side), skeleton, inner=False)
        alike = replace(people, boxes=np.tile(box, (len(people.boxes), 1)))
        yield make_arrays(picture, alike, recipe)[PERSON]
    wide = _picture(3 * size, 3 * max(1, size // 2))
    boxes, keypoints, scores = no_people(skeleton)
    nobody = Poses(Path("test"), (wide.shape[1], wide.shape[0]), skeleton, boxes, scores, keypoints)
    yield from (make_arrays(wide, nobody, recipe)[name] for name in (PERSON, FOUND))
    crowd = replace(
        _poses((64, 48), skeleton, inner=True), scores=np.array([0.3, 0.6, 0.95], np.float32)
    )
    yield POLICIES[view.people](crowd)
    yield np.array(square(np.array([100.5, 60.25, 180, 250], np.float32), view.margin))


def _picture(width: int, height: int) -> np.ndarray:
    """Returns `(height, width, 3)` uint8 without large even parts."""
    down, across = (np.arange(side) ** 2 * 7 % 251 for side in (height, width))
    plane = np.bitwise_xor.outer(down.astype(np.uint8), across.astype(np.uint8))
    return np.dstack([plane, plane[::-1], plane[:, ::-1]])


def _poses(size_wh: tuple[int, int], skeleton: Skeleton, *, inner: bool) -> Poses:
    """Returns three people with joints all over a picture, some unsure and some missing.

    Args:
        size_wh: Of the picture.
        skeleton: Names the joints.
        inner: Whether their boxes are parts of the picture rather than all of it.
    """
    person, joint = np.meshgrid(np.arange(3), np.arange(len(skeleton)), indexing="ij")
    x, y = (37 * joint + 11 * person) % 97 / 97, (53 * joint + 29 * person) % 89 / 89
    keypoints = np.stack([x * size_wh[0], y * size_wh[1], (5 + 3 * joint + person) % 8 / 7], axis=2)
    keypoints[keypoints[..., 2] == 0] = 0
    shares = np.array([[1], [0.75], [0.5]]) if inner else np.ones((3, 1))
    boxes = np.array([0, 0, *size_wh]) * shares
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    picture = Path("test")
    return Poses(
        picture, size_wh, skeleton, boxes.astype(np.float32), scores, keypoints.astype(np.float32)
    )


def _sequence(recipe: SequenceRecipe) -> Iterator[np.ndarray]:
    frame, joint = np.meshgrid(
        np.arange(recipe.frames + 3), np.arange(len(recipe.body)), indexing="ij"
    )
    x = 200 + 37 * joint % 61 + 2 * frame + frame * joint % 5
    y = 100 + 53 * joint % 89 + frame * (joint + 1) % 7
    keypoints = np.stack([x, y, 1 - joint % 3 / 8], axis=2).astype(np.float32)
    keypoints[(frame + 2 * joint) % 11 == 5] = 0
    # Not the recipe's own moments, so that joints are looked for between two frames.
    seconds = np.arange(len(keypoints)) / _RATE
    if recipe.rate:
        seconds *= 1.25 * _RATE / recipe.rate
    clip = Clip("test", Path("test"), skeleton=recipe.body, keypoints=keypoints, times=seconds)
    tensor = prepare(clip, recipe).tensor(0)
    yield tensor if tensor.dtype == np.uint8 else np.rint(tensor * 64).astype(np.int64)


def _skeleton(name: str) -> Skeleton:
    return SKELETONS[name] if name in SKELETONS else SKELETONS["coco17"]


_TEST_TENSORS: dict[type, Callable[[Any], Iterator[np.ndarray]]] = {
    Recipe: _planes,
    SequenceRecipe: _sequence,
}
