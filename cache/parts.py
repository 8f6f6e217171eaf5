"""An image and its body-part mask into what a parts network learns from, and its answer back.

In come a uint8 RGB image `(h, w, 3)`, its `Poses` where bones are an input, and its `Masks`. Out
goes "x" `(H, W, C)` uint8: RGB in 0..255, and of the bones numbers of parts of the tree; and "y"
`(H, W)` uint8. Training and prediction share `make_input`, and `to_image` is the way back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import cv2
import numpy as np

from pose_activity.annotations.part_masks import resize_ids
from pose_activity.annotations.parts import IGNORE, PARTS9, PartScheme
from pose_activity.annotations.types import Masks, Poses
from pose_activity.cache.bones import draw_parts
from pose_activity.cache.options import PartsOptions
from pose_activity.cache.planes import PoseModelId, Recipe, make
from pose_activity.cache.record import Arrays, ArraySpec, X, Y

_CHANNELS = {"rgb": 3, "bones": 1}


@dataclass(frozen=True)
class PartsRecipe(PartsOptions):
    """Everything that decides what a parts network sees and answers; stored with it.

    Attributes:
        scheme: The classes that it tells apart, in the order of its answers.
        labelled: Those of its data sets, where there are several or they are others.
        pose: Whose joints the bones are drawn from.
        fingerprint: What `cache.fingerprint` found in training; empty where it was not asked.
    """

    KIND: ClassVar[str] = "parts"  # what a network of its tensors looks at
    UNIT: ClassVar[str] = "images"  # what its tensors are made of

    scheme: PartScheme = PARTS9
    labelled: tuple[PartScheme, ...] = ()
    pose: PoseModelId = field(default_factory=PoseModelId)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        """Checks the fields.

        Raises:
            ValueError: a labelled class holds a part of a class of `scheme`, not all of it.
        """
        super().__post_init__()
        _targets(self.scheme, self.labelled)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of "x"."""
        return self.height, self.width, sum(_CHANNELS[plane] for plane in self.planes)

    @property
    def arrays(self) -> dict[str, ArraySpec]:
        """What a cache stores of an entry."""
        byte = np.dtype("|u1")
        return {X: ArraySpec(self.shape, byte), Y: ArraySpec(self.shape[:2], byte)}

    @cached_property
    def targets(self) -> tuple[tuple[int, ...], ...]:
        """What a pixel of "y" may say, by its number: the classes that it can be, as their numbers.

        First each class by itself, then the merges of coarser labels, by which data sets of several
        levels train one network. `IGNORE` (255) says nothing.
        """
        return _targets(self.scheme, self.labelled)[0]

    @cached_property
    def tables(self) -> dict[PartScheme, np.ndarray]:
        """By scheme of labels, `(256,)` uint8: from its class numbers to targets."""
        return _targets(self.scheme, (self.scheme, *self.labelled))[1]

    @property
    def membership(self) -> np.ndarray:
        """Which classes each target can be: `(targets, classes)` float32 of 0 and 1."""
        found = np.zeros((len(self.targets), len(self.scheme)), np.float32)
        for row, members in enumerate(self.targets):
            found[row, list(members)] = 1
        return found

    @property
    def view(self) -> Recipe:
        """The picture alone, as a recipe of planes."""
        return Recipe(("rgb",), width=self.width, height=self.height, resize=self.resize)

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values; `from_json` is the inverse."""
        values = {**asdict(self), "planes": [*self.planes], "scheme": self.scheme.as_json()}
        labelled = [scheme.as_json() for scheme in self.labelled]
        return {"kind": self.KIND, **values, "labelled": labelled}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "PartsRecipe":
        """Builds the recipe that `as_json` described."""
        values = {name: v for name, v in value.items() if name != "kind"}
        values["planes"] = tuple(values["planes"])
        values["scheme"] = PartScheme.from_json(values["scheme"])
        values["labelled"] = tuple(PartScheme.from_json(one) for one in values["labelled"])
        return cls(**{**values, "pose": PoseModelId(**values["pose"])})


def make_input(image: np.ndarray, poses: Poses | None, recipe: PartsRecipe) -> np.ndarray:
    """Returns "x": the planes of an image.

    Args:
        image: `(h, w, 3)` uint8 RGB.
        poses: Who is in it, in its pixels; only a plane of bones looks at them.
        recipe: See `PartsRecipe`.

    Raises:
        ValueError: a plane of bones is asked for without poses.
    """
    rgb = make(image, None, recipe.view)
    if not recipe.needs_poses:
        return rgb
    if poses is None:
        raise ValueError("A plane of bones needs poses. Received: None")
    size_wh = (image.shape[1], image.shape[0])
    left, top, *shown_wh = picture_in(size_wh, recipe)
    moved = poses.keypoints.copy()
    moved[..., :2] = moved[..., :2] * (np.array(shown_wh) / size_wh) + (left, top)
    bones = draw_parts(moved, poses.skeleton, recipe.shape[:2])
    return np.dstack([rgb, bones])


def make_target(masks: Masks, recipe: PartsRecipe) -> np.ndarray:
    """Returns "y": targets at the tensor's size, by vote; `IGNORE` where there is no picture.

    Args:
        masks: In the image's pixels, of a scheme of `recipe.tables`.
        recipe: See `PartsRecipe`.
    """
    left, top, width, height = picture_in(masks.ids.shape[::-1], recipe)
    target = np.full(recipe.shape[:2], IGNORE, np.uint8)
    shrunk = resize_ids(masks.ids, (width, height))
    target[top : top + height, left : left + width] = recipe.tables[masks.scheme][shrunk]
    return target


def make_example(
    image: np.ndarray, poses: Poses | None, masks: Masks, recipe: PartsRecipe
) -> Arrays:
    """Returns the arrays of one entry: "x" and "y"."""
    return {X: make_input(image, poses, recipe), Y: make_target(masks, recipe)}


def picture_in(size_wh: tuple[int, int], recipe: PartsRecipe) -> tuple[int, int, int, int]:
    """Returns where a tensor shows the picture: left, top, width and height in its pixels.

    Args:
        size_wh: Width and height of the image.
        recipe: See `PartsRecipe`.
    """
    if recipe.resize == "stretch":
        return 0, 0, recipe.width, recipe.height
    wanted_wh, image_wh = np.array([recipe.width, recipe.height], np.float32), np.array(size_wh)
    ratio = float((wanted_wh / image_wh.astype(np.float32)).min())
    width, height = np.maximum(1, np.round(image_wh * ratio)).astype(int).tolist()
    return (recipe.width - width) // 2, (recipe.height - height) // 2, width, height


def to_image(
    probabilities: np.ndarray,
    size_wh: tuple[int, int],
    recipe: PartsRecipe,
    weights: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the class of each pixel of an image: that with the largest probability times weight.

    Args:
        probabilities: `(H, W, classes)` float32, a network's answer.
        size_wh: Width and height of the image.
        recipe: What it was asked with.
        weights: `(classes,)`; None: all the same.

    Returns:
        `(h, w)` uint8 numbers of `recipe.scheme`, and `(h, w)` float32 their probabilities.
    """
    left, top, width, height = picture_in(size_wh, recipe)
    shown = probabilities[top : top + height, left : left + width]
    best = np.full(size_wh[::-1], -1, np.float32)
    answer = np.zeros(size_wh[::-1], np.uint8)
    sure = np.zeros(size_wh[::-1], np.float32)
    for number in range(shown.shape[2]):  # class by class: a large photo times 15 is much memory
        plane = np.ascontiguousarray(shown[..., number])
        plane = cv2.resize(plane, size_wh, interpolation=cv2.INTER_LINEAR)
        score = plane if weights is None else plane * weights[number]
        better = score > best
        best[better], sure[better], answer[better] = score[better], plane[better], number
    return answer, sure


def _targets(
    scheme: PartScheme, labelled: Sequence[PartScheme]
) -> tuple[tuple[tuple[int, ...], ...], dict[PartScheme, np.ndarray]]:
    """Returns `PartsRecipe.targets` and `PartsRecipe.tables`; a label may be finer or coarser."""
    targets: list[tuple[int, ...]] = [(number,) for number in range(len(scheme))]
    own = [{*members} for members in scheme.members]
    tables = {}
    for labels in labelled:
        table = np.full(256, IGNORE, np.uint8)
        for number, (name, members) in enumerate(zip(labels.names, labels.members, strict=True)):
            parts = {*members}
            touched = tuple(i for i, one in enumerate(own) if one & parts)
            if len(touched) > 1 and not all(own[i] <= parts for i in touched):
                cut = [scheme.names[i] for i in touched if not own[i] <= parts]
                raise ValueError(
                    f"A labelled class must hold whole classes of a network, or lie within one. "
                    f"Received: {name!r} of {labels.name}, which holds a part of "
                    f"{', '.join(cut)} of {scheme.name}. Choose a finer scheme for the network."
                )
            if touched not in targets:
                targets.append(touched)
            table[number] = targets.index(touched)
        tables[labels] = table
    return tuple(targets), tables
