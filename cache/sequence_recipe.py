"""What a clip's tensors look like: the recipe, stored with the cache and with the model.

`cache.sequence` makes the tensors; this file knows no arithmetic.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.artifacts import renamed
from pose_activity.cache.planes import PoseModelId

KNOWN = ("x", "y", "confidence", "valid")  # what is known of a joint in a frame
CHANNELS = (("x", "y", "valid"), KNOWN)
_CHOICES = {
    "kind": ("joints", "maps"),
    "windows": ("first", "sliding", "whole"),
    "short": ("pad", "error"),
    "gaps": ("interpolate", "zero"),
    "centre": ("frame", "clip"),
    "scale": ("clip", "frame"),
    "channels": CHANNELS,
}


@dataclass(frozen=True)
class SequenceRecipe:
    """Everything that decides what a clip's tensors look like; stored with cache and model.

    Attributes:
        kind: "joints": `(frames, K, C)` float32; "maps": `(frames, height, width, K)` uint8, a
            picture a joint, 255 where it surely is.
        skeleton: Whose K joints: a name from `SKELETONS`, or the text of another one (see
            `Skeleton.as_text`). Clips of other skeletons become "openpose18" where that is asked.
        frames: T of a tensor.
        windows: What is cut from a clip: its "first" frames; "sliding" every `stride` frames, and
            once more at the end where frames are left over; or the "whole" clip, resampled to
            `frames`. A clip begins and ends with a frame in which a joint was found.
        stride: Frames from window to window (sliding).
        rate: Frames a second to which a clip is resampled by its true times; None takes the frames
            as they come. Not for "whole", which has a rate of its own for each clip.
        short: What happens to a clip with fewer frames than a window: "pad" adds zeros at its end
            ("whole" needs none, it stretches), "error" raises.
        gaps: A joint that is missing in a frame: "interpolate" puts it on the line, in time,
            between where it was found before and after, and at the clip's ends where it was found
            nearest in time; "zero" leaves x = y = 0. `valid` is 0 in both.
        centre: The origin: the neck in each "frame", or one for the "clip", which keeps the path
            (see `cache.normalize.origins`). Maps: the middle of the box around the joints.
        scale: The unit: the torso's median length over the "clip", or its length in each "frame",
            which jitters (see `cache.normalize.units`). Maps: the size of that box.
        channels: C of joints. x to the right and y down, from the origin, in units. "confidence":
            stage 1's, 0 where not valid. "valid", always the last: 1 where the joint was found in
            that frame, 0 where it is filled in, or the frame added. Nobody was found in a frame
            that has 0 for all its joints; models leave it out.
        min_confidence: A joint with a lower v is missing.
        width: Of a map, in pixels.
        height: Of a map, in pixels.
        sigma: Of a joint's blob, in pixels of the map; its height is the joint's confidence.
        margin: Added on each side of the box, as a share of its longer side (maps).
        pose: Whose poses, where they are stage 1's own; else as it is by default.
        fingerprint: What `cache.fingerprint` found in training; empty where it was not asked.
    """

    kind: Literal["joints", "maps"] = "joints"
    skeleton: str = "openpose18"
    frames: int = 50
    windows: Literal["first", "sliding", "whole"] = "first"
    stride: int = 25
    rate: float | None = None
    short: Literal["pad", "error"] = "pad"
    gaps: Literal["interpolate", "zero"] = "interpolate"
    centre: Literal["frame", "clip"] = "frame"
    scale: Literal["clip", "frame"] = "clip"
    channels: tuple[str, ...] = CHANNELS[0]
    min_confidence: float = 0.0
    width: int = 24
    height: int = 32
    sigma: float = 1.0
    margin: float = 0.1
    pose: PoseModelId = field(default_factory=PoseModelId)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {list(allowed)}. Received: {getattr(self, name)!r}"
                )
        for name in ("frames", "stride", "width", "height"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Received: {getattr(self, name)}")
        for name in ("rate", "sigma"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be above 0. Received: {value}")
        if self.windows == "whole" and self.rate is not None:
            raise ValueError(
                "rate must be null where windows is 'whole', which has a rate of its own for each "
                f"clip. Received: {self.rate}"
            )
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"min_confidence must lie in [0, 1]. Received: {self.min_confidence}")
        if not 0 <= self.margin < math.inf:
            raise ValueError(f"margin must be at least 0. Received: {self.margin}")
        Skeleton.from_text(self.skeleton)

    @property
    def body(self) -> Skeleton:
        """The skeleton."""
        return Skeleton.from_text(self.skeleton)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a tensor: (frames, K, C), or (frames, height, width, K) of maps."""
        if self.kind == "maps":
            return self.frames, self.height, self.width, len(self.body)
        return self.frames, len(self.body), len(self.channels)

    @property
    def dtype(self) -> np.dtype:
        """Of a tensor."""
        return np.dtype("|u1" if self.kind == "maps" else "<f4")

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values; `from_json` is the inverse."""
        values = {**asdict(self), "channels": list(self.channels)}
        return {name: value for name, value in values.items() if name != "fingerprint" or value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "SequenceRecipe":
        """Builds the recipe that `as_json` described."""
        changed = {"channels": tuple(value["channels"]), "pose": PoseModelId(**value["pose"])}
        return cls(**renamed.translate({**value, **changed}, "sequence"))
