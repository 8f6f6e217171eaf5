"""Probes: what each kind of recipe makes of test pictures and clips that are always the same.

`cache.fingerprint` takes their digest. The test pictures are such that every engine of one OpenCV
gives them the same bits: they become three times smaller, where a mean of nine whole numbers is
never half-way between two others, or twice as large, from multiples of 16. Floats are rounded to
1/64 of a body's unit.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.skeleton import SKELETONS, Skeleton
from pose_activity.annotations.types import Masks, Poses, no_people
from pose_activity.cache import joint_numbers
from pose_activity.cache.framing import square, window
from pose_activity.cache.options import PersonView
from pose_activity.cache.part_maps import NAMES, PartMaps
from pose_activity.cache.parts import PartsRecipe, make_input, make_target
from pose_activity.cache.people import POLICIES
from pose_activity.cache.planes import FOUND, PERSON, Recipe, make, make_arrays
from pose_activity.cache.sequence import prepare
from pose_activity.cache.sequence_recipe import SequenceRecipe

_RATE = 25.0  # frames per second of the test clip, if the recipe takes frames as they come


def of_planes(recipe: Recipe) -> Iterator[np.ndarray]:
    """Yields what `cache.planes` makes of two pictures, one to shrink and one to enlarge."""
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
            yield make(picture, poses, recipe, person, _parts(size, recipe))
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
        yield make_arrays(picture, alike, recipe, parts=_parts((side, side), recipe))[PERSON]
    wide = _picture(3 * size, 3 * max(1, size // 2))
    boxes, keypoints, scores = no_people(skeleton)
    nobody = Poses(Path("test"), (wide.shape[1], wide.shape[0]), skeleton, boxes, scores, keypoints)
    parts = _parts(nobody.size, recipe)
    yield from (make_arrays(wide, nobody, recipe, parts=parts)[name] for name in (PERSON, FOUND))
    crowd = replace(
        _poses((64, 48), skeleton, inner=True), scores=np.array([0.3, 0.6, 0.95], np.float32)
    )
    yield POLICIES[view.people](crowd)
    if view.joints:
        for person in (1, None):
            yield np.rint(64 * joint_numbers.make(crowd, person)).astype(np.int16)
    yield np.array(square(np.array([100.5, 60.25, 180, 250], np.float32), view.margin))


def _picture(width: int, height: int) -> np.ndarray:
    """Returns `(height, width, 3)` uint8 without large even parts."""
    down, across = (np.arange(side) ** 2 * 7 % 251 for side in (height, width))
    plane = np.bitwise_xor.outer(down.astype(np.uint8), across.astype(np.uint8))
    return np.dstack([plane, plane[::-1], plane[:, ::-1]])


def _parts(size_wh: tuple[int, int], recipe: Recipe) -> PartMaps | None:
    """Returns parts in steps of an eighth; None where the recipe shows none."""
    if not recipe.needs_parts:
        return None
    planes = [_picture(40, 30)[..., 0] // 32 * 32 // (1 + i) for i in range(len(NAMES))]
    return PartMaps(np.dstack(planes).astype(np.uint8), size_wh)


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


def of_sequence(recipe: SequenceRecipe) -> Iterator[np.ndarray]:
    """Yields what `cache.sequence` makes of a clip with gaps; floats in 1/64 of its unit."""
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


def of_parts(recipe: PartsRecipe) -> Iterator[np.ndarray]:
    """Yields what `cache.parts` makes of pictures, and of masks to shrink and to enlarge."""
    if recipe.needs_poses:
        width, height = 3 * recipe.width, 3 * recipe.height
        poses = _poses((width, height), _skeleton(recipe.pose.skeleton), inner=True)
        yield make_input(_picture(width, height), poses, recipe)
    else:
        yield from of_planes(recipe.view)
    for width, height in ((3 * recipe.width, recipe.height), (recipe.width // 2, recipe.height)):
        grey = _picture(width, height)[..., 0] // 16
        for scheme in recipe.tables:
            yield make_target(Masks(grey % np.uint8(len(scheme)), scheme), recipe)


def _skeleton(name: str) -> Skeleton:
    return SKELETONS[name] if name in SKELETONS else SKELETONS["coco17"]
