"""One image and its poses into the planes that stage 2 sees: training and inference share `make`.

In come a uint8 RGB image and its `Poses` in image pixels, out goes `(H, W, C)` uint8 in 0..255.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import cv2
import numpy as np

from pose_activity.annotations.types import Poses
from pose_activity.cache.heatmap import draw
from pose_activity.cache.options import PlaneOptions, Style
from pose_activity.cache.people import POLICIES
from pose_activity.cache.record import ArraySpec, X

CHANNELS = {"rgb": 3, "heatmap": 1}
PAD = 114  # grey, where there is no picture


@dataclass(frozen=True)
class PoseModelId:
    """Whose poses are drawn.

    Attributes:
        sha256: Digest of the pose graph; empty when no plane needs poses.
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
class Recipe(PlaneOptions):
    """Everything that decides what a tensor looks like; stored with the cache and the model.

    Attributes:
        pose: Whose poses.
        fingerprint: What `cache.fingerprint` found in training; empty where it was not asked.
    """

    KIND: ClassVar[str] = "picture"  # what a classifier of its tensors looks at
    UNIT: ClassVar[str] = "images"  # what its tensors are made of

    pose: PoseModelId = field(default_factory=PoseModelId)
    fingerprint: str = ""

    @property
    def channels(self) -> int:
        """Number of channels of a tensor."""
        return sum(CHANNELS[plane] for plane in self.planes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of a tensor."""
        return self.height, self.width, self.channels

    @property
    def dtype(self) -> np.dtype:
        """Of a tensor."""
        return np.dtype("|u1")

    @property
    def arrays(self) -> dict[str, ArraySpec]:
        """What a cache stores of an entry."""
        return {X: ArraySpec(self.shape, self.dtype)}

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values; `from_json` is the inverse."""
        values = {**asdict(self), "planes": list(self.planes)}
        return {name: value for name, value in values.items() if name != "fingerprint" or value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Recipe":
        """Builds the recipe that `as_json` described."""
        changed = {
            "planes": tuple(value["planes"]),
            "heatmap": Style(**value["heatmap"]),
            "pose": PoseModelId(**value["pose"]),
        }
        return cls(**{**value, **changed})


def make(
    image: np.ndarray, poses: Poses | None, recipe: Recipe, person: int | None = None
) -> np.ndarray:
    """Builds one tensor.

    Args:
        image: `(h, w, 3)` uint8 RGB.
        poses: What stage 1 found in `image`, in its pixels; the heatmap of nobody is zero.
            None only where no plane needs poses.
        recipe: See `Recipe`.
        person: Whom the tensor shows, an index into `poses`; for people "each", and only there.

    Returns:
        `(recipe.height, recipe.width, recipe.channels)` uint8.

    Raises:
        ValueError: poses or the person are missing, or a person is named who is not wanted.
    """
    if recipe.needs_poses and poses is None:
        raise ValueError("A heatmap needs poses, and so does people 'each'. Received: None")
    if (person is None) == recipe.one_by_one:
        raise ValueError(
            "make needs the index of a person for people 'each', and takes none for another "
            f"policy. Received: people {recipe.people!r}, person {person}"
        )
    start = np.zeros(2, np.float32)  # of the part that is shown, in image pixels
    if poses is not None and person is not None:
        image, start = _show_only(image, poses.boxes[person], recipe)
    frame, scale, offset = resize(image, recipe)
    planes = {"rgb": frame}
    if "heatmap" in recipe.planes and poses is not None:
        chosen = POLICIES[recipe.people](poses) if person is None else [person]
        keypoints = poses.keypoints[chosen]
        keypoints[..., :2] = (keypoints[..., :2] - start) * scale + offset
        planes["heatmap"] = draw(
            keypoints, poses.skeleton, (recipe.height, recipe.width), recipe.heatmap
        )
    return np.dstack([planes[name] for name in recipe.planes])


def window(box: np.ndarray, size: tuple[int, int], margin: float) -> tuple[int, int, int, int]:
    """Returns the part of a picture around a box, in whole pixels.

    Args:
        box: `(4,)` x1, y1, x2, y2 in pixels; may reach outside the picture.
        size: (width, height) of the picture.
        margin: Added on each side, as a share of the box's longer side.

    Returns:
        x1, y1, x2, y2 inside the picture; x2 and y2 are past the end. At least one pixel.
    """
    added = margin * float((box[2:] - box[:2]).max())
    last = np.array(size) - 1
    low = np.floor(box[:2] - added).clip(0, last).astype(int)
    high = np.ceil(box[2:] + added).clip(low + 1, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _show_only(image: np.ndarray, box: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Returns the picture cut to, or painted grey around, a person, and where it starts (x, y)."""
    x1, y1, x2, y2 = window(box, (image.shape[1], image.shape[0]), recipe.margin)
    if recipe.person == "crop":
        return image[y1:y2, x1:x2], np.array([x1, y1], np.float32)
    masked = np.full_like(image, PAD)
    masked[y1:y2, x1:x2] = image[y1:y2, x1:x2]
    return masked, np.zeros(2, np.float32)


def resize(image: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Brings a picture to the recipe's size.

    Returns:
        The `(H, W, 3)` uint8 frame, and the float32 `(2,)` scale and offset that take image pixels
        (x, y) to frame pixels: `xy * scale + offset`.
    """
    size_wh = np.array([recipe.width, recipe.height], np.float32)
    image_wh = np.array(image.shape[1::-1], np.float32)
    if recipe.resize == "stretch":
        scale, inner_wh, offset = size_wh / image_wh, size_wh.astype(int), np.zeros(2, np.float32)
    else:
        ratio = float((size_wh / image_wh).min())
        inner_wh = np.maximum(1, np.round(image_wh * ratio)).astype(int)
        scale, offset = inner_wh / image_wh, (size_wh.astype(int) - inner_wh) // 2
    way = cv2.INTER_AREA if (scale < 1).all() else cv2.INTER_LINEAR
    inner = cv2.resize(image, tuple(int(n) for n in inner_wh), interpolation=way)
    if recipe.resize == "stretch":
        return inner, scale.astype(np.float32), offset
    frame = np.full((recipe.height, recipe.width, 3), PAD, np.uint8)
    x, y = (int(n) for n in offset)
    frame[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return frame, scale.astype(np.float32), offset.astype(np.float32)
