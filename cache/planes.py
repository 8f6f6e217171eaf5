"""One image and its poses into what stage 2 sees: training and inference share `make_arrays`.

In come a uint8 RGB image, its `Poses` in image pixels and, where planes show parts of bodies, its
`PartMaps`; out go arrays by their names: the one tensor `(H, W, C)` uint8 in 0..255; or the
picture, the person in it, and whether one was found, and perhaps the joints as numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Poses
from pose_activity.cache import joint_numbers, part_maps
from pose_activity.cache.framing import PAD, Framed, crop_square, resize, window
from pose_activity.cache.heatmap import draw
from pose_activity.cache.options import OF_PARTS, PersonView, Plane, PlaneOptions, Style
from pose_activity.cache.part_maps import NAMES, PartMaps, only_of, place, without_background
from pose_activity.cache.people import POLICIES
from pose_activity.cache.record import Arrays, ArraySpec, X

CHANNELS = {"rgb": 3, "heatmap": 1, "parts": len(NAMES), "rgb_person": 3}
LABELS = "labels"  # in place of a pose graph's digest: the poses are the labels' own joints
# The inputs of a recipe with two views; the last where person_view.joints is asked.
PICTURE, PERSON, FOUND, JOINTS = "picture", "person", "found", "joints"
# What was not asked for is not in the JSON, as before it could be: digests stay what they were.
_UNSAID = ("fingerprint", "person_view", "parts")


@dataclass(frozen=True)
class PoseModelId:
    """Whose poses are drawn.

    Attributes:
        sha256: Digest of the pose graph; empty when no plane needs poses, or `LABELS`.
        size: Longer side of its input, in pixels.
        skeleton: Name of its skeleton.
        confidence: People found with a lower score were dropped.
        iou: Overlap above which two boxes were one person.
        max_people: At most so many people a picture.
    """

    sha256: str = ""
    size: int = 640
    skeleton: str = "coco17"
    confidence: float = 0.25
    iou: float = 0.7
    max_people: int = 300

    @property
    def asked(self) -> dict[str, Any]:
        """What identifies stage 1's answers in `poses.parquet`."""
        return {name: value for name, value in asdict(self).items() if name != "skeleton"}


@dataclass(frozen=True)
class View:
    """One picture that a network sees, an array of planes.

    Attributes:
        planes: In the order of the channels.
        width: In pixels.
        height: In pixels.
        heatmap: How people are drawn.
    """

    planes: tuple[Plane, ...]
    width: int
    height: int
    heatmap: Style

    @property
    def channels(self) -> int:
        """Number of channels."""
        return sum(CHANNELS[plane] for plane in self.planes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels


@dataclass(frozen=True)
class Recipe(PlaneOptions):
    """Everything that decides what a tensor looks like; stored with the cache and the model.

    Attributes:
        pose: Whose poses.
        fingerprint: What `cache.fingerprint` found in training; empty where it was not asked.
        parts: Digest of the parts network's graph; empty when no plane needs it.
    """

    KIND: ClassVar[str] = "picture"  # what a classifier of its tensors looks at
    UNIT: ClassVar[str] = "images"  # what its tensors are made of

    pose: PoseModelId = field(default_factory=PoseModelId)
    fingerprint: str = ""
    parts: str = ""

    @property
    def channels(self) -> int:
        """Number of channels of the picture's tensor."""
        return self.whole.channels

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the picture's tensor."""
        return self.whole.shape

    @property
    def dtype(self) -> np.dtype:
        """Of every array but the joints."""
        return np.dtype("|u1")

    @property
    def shows_people(self) -> bool:
        """Whether the picture's planes depend on who is chosen."""
        return any(plane != "rgb" for plane in self.planes)

    @property
    def views(self) -> dict[str, View]:
        """By their names, the arrays that are pictures: one, or the whole one and the person's."""
        person = self.person_view
        if person is None:
            return {X: self.whole}
        square = View(person.planes, person.size, person.size, person.heatmap)
        return {PICTURE: self.whole, PERSON: square}

    @property
    def arrays(self) -> dict[str, ArraySpec]:
        """What a cache stores of an entry, and a classifier takes."""
        specs = {name: ArraySpec(view.shape, self.dtype) for name, view in self.views.items()}
        if self.person_view:
            specs[FOUND] = ArraySpec((1,), self.dtype)
        if self.person_view and self.person_view.joints:
            size = joint_numbers.size(Skeleton.from_text(self.pose.skeleton))
            specs[JOINTS] = ArraySpec((2, size), np.dtype(np.float32))
        return specs

    @property
    def whole(self) -> View:
        """The picture's."""
        return View(self.planes, self.width, self.height, self.heatmap)

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values; `from_json` is the inverse."""
        values = {**asdict(self), "planes": list(self.planes)}
        values = {name: v for name, v in values.items() if name not in _UNSAID or v}
        if self.person_view:
            values["person_view"]["planes"] = list(self.person_view.planes)
            if not self.person_view.joints:
                del values["person_view"]["joints"]
        return values

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Recipe":
        """Builds the recipe that `as_json` described."""
        person = value.get("person_view")
        changed = {
            **_drawn(value),
            "pose": PoseModelId(**value["pose"]),
            "person_view": person and PersonView(**{**person, **_drawn(person)}),
        }
        return cls(**{**value, **changed})


def _drawn(value: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what JSON says otherwise of a recipe or a view."""
    return {"planes": tuple(value["planes"]), "heatmap": Style(**value["heatmap"])}


def make_arrays(
    image: np.ndarray,
    poses: Poses | None,
    recipe: Recipe,
    person: int | None = None,
    parts: PartMaps | None = None,
) -> Arrays:
    """Builds the arrays of one entry; for the arguments and errors see `make`.

    Returns:
        By name, what `recipe.arrays` says: {"x"}; or {"picture", "person", "found"}, where "person"
        is the square around the most prominent one (see `PersonView`). Where nobody was found, it
        is the whole picture, letterboxed, and "found" `(1,)` is 0, else 1. Where they are asked,
        that person's "joints" `(2, D)` float32, see `cache.joint_numbers`.
    """
    planes = make(image, poses, recipe, person, parts)
    if recipe.person_view is None or poses is None:
        return {X: planes}
    chosen = POLICIES[recipe.person_view.people](poses)
    square = _show_person(image, poses, chosen, recipe.person_view)
    framed = _stack(square, poses, parts, chosen, recipe.views[PERSON])
    arrays = {PICTURE: planes, PERSON: framed, FOUND: np.array([len(chosen) > 0], np.uint8)}
    if recipe.person_view.joints:
        arrays[JOINTS] = joint_numbers.make(poses, int(chosen[0]) if len(chosen) else None)
    return arrays


def make(
    image: np.ndarray,
    poses: Poses | None,
    recipe: Recipe,
    person: int | None = None,
    parts: PartMaps | None = None,
) -> np.ndarray:
    """Builds the one tensor of a recipe, or the picture's where it has a person's view as well.

    Args:
        image: `(h, w, 3)` uint8 RGB.
        poses: What stage 1 found in `image`, in its pixels; the heatmap of nobody is zero.
            None only where no plane needs poses.
        recipe: See `Recipe`.
        person: Whom the tensor shows, an index into `poses`; for people "each", and only there.
        parts: What the parts network found in `image`; None only where no plane needs it.

    Returns:
        `(recipe.height, recipe.width, recipe.channels)` uint8.

    Raises:
        ValueError: poses, parts or the person are missing, or a person is named who is not
            wanted.
    """
    if recipe.needs_poses and poses is None:
        raise ValueError(
            "A heatmap needs poses, and so do parts, people 'each' and a person_view. "
            "Received: None"
        )
    if recipe.needs_parts and parts is None:
        raise ValueError(
            f"The planes {' and '.join(OF_PARTS)} need what a parts network found. Received: None"
        )
    if (person is None) == recipe.one_by_one:
        raise ValueError(
            "make needs the index of a person for people 'each', and takes none for another "
            f"policy. Received: people {recipe.people!r}, person {person}"
        )
    start = np.zeros(2, np.float32)  # of the part that is shown, in image pixels
    if poses is not None and person is not None:
        image, start = _show_only(image, poses.boxes[person], recipe)
    framed = resize(image, (recipe.width, recipe.height), recipe.resize)
    chosen = []
    if recipe.shows_people and poses is not None:
        chosen = POLICIES[recipe.people](poses) if person is None else [person]
    return _stack(framed, poses, parts, chosen, recipe.whole, start)


def picture_of(plane: str, pixels: np.ndarray) -> np.ndarray:
    """Returns a plane as a picture: `(H, W, 3)` float32 RGB; a heatmap is grey, parts coloured."""
    if plane == "parts":
        return part_maps.picture_of(pixels)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(np.float32)


def people_seen(poses: Poses, recipe: Recipe) -> list[int]:
    """Returns whom a network gets to see of a whole picture: drawn into it, or in their own view.

    Args:
        poses: Who was found.
        recipe: Not for people "each".

    Returns:
        Indices into `poses`, each once.
    """
    view = recipe.person_view
    framed = POLICIES[view.people](poses).tolist() if view else []
    drawn = POLICIES[recipe.people](poses).tolist() if recipe.shows_people else []
    return list(dict.fromkeys([*framed, *drawn]))


def _stack(
    framed: Framed,
    poses: Poses | None,
    parts: PartMaps | None,
    chosen: Sequence[int] | np.ndarray,
    view: View,
    start: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Draws the chosen people over a framed picture that begins at `start`; stacks the planes."""
    frame, scale, offset = framed
    planes = {"rgb": frame}
    if parts is not None and poses is not None and any(name in view.planes for name in OF_PARTS):
        own = only_of(parts, poses, chosen)
        planes["parts"] = place(own, frame.shape[:2], scale, offset - start * scale)
        planes["rgb_person"] = without_background(frame, planes["parts"])
    if "heatmap" in view.planes and poses is not None:
        keypoints = poses.keypoints[chosen]
        keypoints[..., :2] = (keypoints[..., :2] - start) * scale + offset
        planes["heatmap"] = draw(keypoints, poses.skeleton, (view.height, view.width), view.heatmap)
    return np.dstack([planes[name] for name in view.planes])


def _show_person(image: np.ndarray, poses: Poses, chosen: np.ndarray, view: PersonView) -> Framed:
    """Frames the one person; the whole picture where there is nobody."""
    if not len(chosen):
        return resize(image, (view.size, view.size), "letterbox")
    return crop_square(image, poses.boxes[chosen[0]], margin=view.margin, size=view.size)


def _show_only(image: np.ndarray, box: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Returns the picture cut to, or painted grey around, a person, and where it starts (x, y)."""
    x1, y1, x2, y2 = window(box, (image.shape[1], image.shape[0]), recipe.margin)
    if recipe.person == "crop":
        return image[y1:y2, x1:x2], np.array([x1, y1], np.float32)
    masked = np.full_like(image, PAD)
    masked[y1:y2, x1:x2] = image[y1:y2, x1:x2]
    return masked, np.zeros(2, np.float32)
