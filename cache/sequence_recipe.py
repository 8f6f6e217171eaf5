"""What a clip's tensors look like: the recipe, stored with the cache and with the model.

`cache.sequence` makes the tensors; this file knows no arithmetic.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.artifacts import renamed
from pose_activity.cache.options import SequenceOptions
from pose_activity.cache.planes import PoseModelId
from pose_activity.cache.record import ArraySpec, X


@dataclass(frozen=True)
class SequenceRecipe(SequenceOptions):
    """Everything that decides what a clip's tensors look like; stored with cache and model.

    Attributes:
        pose: The model of the poses, if they are stage 1's own; else the default.
        fingerprint: What `cache.fingerprint` found in training; empty if it was not asked.
    """

    KIND: ClassVar[str] = "sequence"  # the kind of input of a classifier of its tensors
    UNIT: ClassVar[str] = "clips"  # what its tensors are made of

    pose: PoseModelId = field(default_factory=PoseModelId)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
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

    @property
    def arrays(self) -> dict[str, ArraySpec]:
        """What a cache stores of an entry."""
        return {X: ArraySpec(self.shape, self.dtype)}

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values; `from_json` is the inverse."""
        values = {**asdict(self), "channels": list(self.channels)}
        return {name: value for name, value in values.items() if name != "fingerprint" or value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "SequenceRecipe":
        """Builds the recipe that `as_json` described."""
        changed = {"channels": tuple(value["channels"]), "pose": PoseModelId(**value["pose"])}
        return cls(**renamed.translate({**value, **changed}, "sequence"))
