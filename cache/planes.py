"""One image and its poses into the planes that stage 2 sees: training and inference share `make`.

In come a uint8 RGB image and its `Poses` in image pixels, out goes `(H, W, C)` uint8 in 0..255.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import cv2
import numpy as np

from annotations.types import Poses
from cache.heatmap import Style, draw
from cache.people import POLICIES

CHANNELS = {"rgb": 3, "heatmap": 1}


@dataclass(frozen=True)
class PoseSource:
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


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a tensor looks like; stored with the cache and the model.

    Attributes:
        planes: Names from `CHANNELS`, in the order of the channels.
        width: Of the tensor, in pixels.
        height: Of the tensor, in pixels.
        resize: "stretch" ignores the picture's proportions (as the source does), "letterbox" keeps
            them and pads with grey 114.
        people: Policy from `cache.people.POLICIES`: who is drawn.
        heatmap: How they are drawn.
        pose: Whose poses.
    """

    planes: tuple[str, ...] = ("rgb", "heatmap")
    width: int = 640
    height: int = 480
    resize: Literal["stretch", "letterbox"] = "stretch"
    people: str = "centre_and_farthest"
    heatmap: Style = field(default_factory=Style)
    pose: PoseSource = field(default_factory=PoseSource)

    def __post_init__(self) -> None:
        unknown = [plane for plane in self.planes if plane not in CHANNELS]
        if unknown or not self.planes or len(set(self.planes)) != len(self.planes):
            raise ValueError(
                f"planes must be distinct names from {list(CHANNELS)}. Received: {self.planes}"
            )
        if self.people not in POLICIES:
            raise ValueError(f"people must be one of {list(POLICIES)}. Received: {self.people!r}")
        if self.resize not in ("stretch", "letterbox"):
            raise ValueError(f"resize must be 'stretch' or 'letterbox'. Received: {self.resize!r}")
        if min(self.width, self.height) < 1:
            raise ValueError(f"size must be positive. Received: {self.width}x{self.height}")

    @property
    def channels(self) -> int:
        """Number of channels of a tensor."""
        return sum(CHANNELS[plane] for plane in self.planes)

    @property
    def needs_poses(self) -> bool:
        """Whether stage 1 has to run at all."""
        return "heatmap" in self.planes

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values; `from_json` is the inverse."""
        return {**asdict(self), "planes": list(self.planes)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Recipe":
        """Builds the recipe that `as_json` described."""
        changed = {
            "planes": tuple(value["planes"]),
            "heatmap": Style(**value["heatmap"]),
            "pose": PoseSource(**value["pose"]),
        }
        return cls(**{**value, **changed})


def make(image: np.ndarray, poses: Poses | None, recipe: Recipe) -> np.ndarray:
    """Builds one tensor.

    Args:
        image: `(h, w, 3)` uint8 RGB.
        poses: What stage 1 found in `image`, in its pixels; the heatmap of nobody is zero.
            None only where no plane needs poses.
        recipe: See `Recipe`.

    Returns:
        `(recipe.height, recipe.width, recipe.channels)` uint8.
    """
    frame, scale, offset = resize(image, recipe)
    planes = {"rgb": frame}
    if recipe.needs_poses:
        if poses is None:
            raise ValueError("A heatmap needs poses. Received: None")
        keypoints = poses.keypoints[POLICIES[recipe.people](poses)]
        keypoints[..., :2] = keypoints[..., :2] * scale + offset
        planes["heatmap"] = draw(
            keypoints, poses.skeleton, (recipe.height, recipe.width), recipe.heatmap
        )
    return np.dstack([planes[name] for name in recipe.planes])


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
    frame = np.full((recipe.height, recipe.width, 3), 114, np.uint8)
    x, y = (int(n) for n in offset)
    frame[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return frame, scale.astype(np.float32), offset.astype(np.float32)
