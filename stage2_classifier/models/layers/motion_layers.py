"""What models of sequences are made of besides Keras' own layers.

Everywhere: B sequences of T frames; a *mask* is float32 `(B, T)`, 1 where a person was found in the
frame and 0 where not, be it inside the clip or because zeros were added at its end. All of it can
be saved, loaded and converted to ONNX; loading a model needs this file to be imported.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import keras
import numpy as np

from pose_activity.annotations.skeleton import Skeleton

Part = Literal[
    "joints",
    "confidence",
    "valid",
    "bones",
    "motion",
    "bone_motion",
    "motion2",
    "motion5",
    "shape",
    "path",
    "distances",
    "directions",
]
PARTS: tuple[str, ...] = get_args(Part)
_FRAMES = {"motion": 1, "bone_motion": 1, "motion2": 2, "motion5": 5}  # since which it moved
_SHORT = 0.1  # in the tensor's units: much shorter bones have hardly a direction

ops: Any = keras.ops  # its own types say that everything may be None
_register = keras.saving.register_keras_serializable(package="pose_activity")


@_register
class FrameMask(keras.layers.Layer):
    """`(B, T, K, C)` joints, their last channel `valid`, or `(B, T, H, W, K)` maps, to the mask."""

    def call(self, inputs):
        """Returns `(B, T)`."""
        found = inputs[..., -1] if len(inputs.shape) == 4 else ops.max(inputs, axis=(3, 4))
        return ops.cast(ops.max(found, axis=-1) > 0, "float32")


@_register
class BodyFeatures(keras.layers.Layer):
    """`(B, T, K, C)` joints to `(B, T, F)`: the features of every frame.

    A joint that was neither found nor filled in is at (0, 0) and is not valid; features of it with
    others, or of its movement, are 0.

    Args:
        parts: Names from `PARTS`, in the order of the features. "joints": x and y; "confidence"
            (needs C = 4); "valid"; "bones": x and y from joint to joint; "motion" and
            "bone_motion": how far joints and bones moved since the frame before, 0 in the first;
            "motion2" and "motion5": joints, since 2 and 5 frames before; "shape": joints from the
            middle of all in that frame; "path": that middle, from its mean over the clip;
            "distances": between any two joints; "directions": bones, as long as 1.
        bones: Joint indices (from, to).
    """

    def __init__(self, parts: Sequence[str], bones: Sequence[Sequence[int]], **options) -> None:
        super().__init__(**options)
        self.parts = tuple(parts)
        self.bones = tuple((int(a), int(b)) for a, b in bones)

    def call(self, inputs):
        """Returns `(B, T, F)`."""
        there = _there(inputs)
        features = [
            ops.reshape(part, (-1, inputs.shape[1], part.shape[2] * part.shape[3]))
            for part in (self._part(name, inputs, there) for name in self.parts)
        ]
        return features[0] if len(features) == 1 else ops.concatenate(features, axis=-1)

    def _part(self, name: str, inputs, there):
        """Returns `(B, T, joints or bones, values)`."""
        if name == "confidence":
            return inputs[..., 2:3]
        if name == "valid":
            return inputs[..., -1:]
        places = inputs[..., :2]
        if name in ("shape", "path"):
            shape, path = _shape_and_path(places, there, inputs[..., -1:])
            return shape if name == "shape" else path
        if name == "distances":
            return _distances(places, there)
        if name in ("bones", "bone_motion", "directions"):
            places, there = self._bones(places, there)
        if name == "directions":
            return places / ops.sqrt(ops.sum(places**2, axis=-1, keepdims=True) + _SHORT**2)
        return _moved(places, there, _FRAMES[name]) if name in _FRAMES else places

    def _bones(self, places, there):
        begins, ends = ([bone[side] for bone in self.bones] for side in (0, 1))
        both = ops.take(there, begins, axis=2) * ops.take(there, ends, axis=2)
        return (ops.take(places, ends, axis=2) - ops.take(places, begins, axis=2)) * both, both

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "parts": self.parts, "bones": self.bones}


def features_of(inputs, skeleton: Skeleton, parts: Sequence[str]):
    """Applies `BodyFeatures` after checking what was asked for.

    Args:
        inputs: `(B, T, K, C)`, symbolic.
        skeleton: Names the K joints.
        parts: See `BodyFeatures`.

    Returns:
        `(B, T, F)`, symbolic.

    Raises:
        ValueError: no or unknown parts, a confidence that the tensors lack, or another number of
            joints.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or not parts:
        raise ValueError(f"inputs must be names from {list(PARTS)}. Received: {list(parts)}")
    if len(inputs.shape) != 4 or inputs.shape[2] != len(skeleton):
        raise ValueError(
            f"This model takes joints of {skeleton.name!r}: tensors (frames, {len(skeleton)}, "
            f"channels). Received: {tuple(inputs.shape[1:])}. Build the cache with kind 'joints'."
        )
    if "confidence" in parts and inputs.shape[3] < 4:
        raise ValueError(
            "inputs with 'confidence' need tensors with the channels x, y, confidence, valid. "
            f"Received: {inputs.shape[3]} channels. Add it to the cache's channels."
        )
    return BodyFeatures(parts, skeleton.bone_index, name="features")(inputs)


def _there(inputs):
    """`(B, T, K, 2)`: 1 where a joint was found or filled in; twice, for x and y.

    Runtimes multiply arrays of one shape ten times as fast as those that must be stretched.
    """
    known = ops.max(ops.abs(inputs[..., :2]), axis=-1, keepdims=True) > 0
    there = ops.maximum(inputs[..., -1:], ops.cast(known, "float32"))
    return ops.concatenate([there, there], axis=-1)


def _moved(places, there, frames: int):
    """Returns places minus those of some frames before; 0 where there is no such joint or frame."""
    frames = min(frames, places.shape[1])
    moved = (places[:, frames:] - places[:, :-frames]) * there[:, frames:] * there[:, :-frames]
    return ops.concatenate([ops.zeros_like(places[:, :frames]), moved], axis=1)


def _shape_and_path(places, there, valid):
    """Returns `(B, T, K, 2)` joints from the middle of a frame, and `(B, T, 1, 2)` that middle."""
    count = ops.sum(there, axis=2, keepdims=True)
    middle = ops.sum(places * there, axis=2, keepdims=True) / ops.maximum(count, 1.0)
    someone = ops.cast(ops.max(valid, axis=2, keepdims=True) > 0, "float32")
    frames = ops.maximum(ops.sum(someone, axis=1, keepdims=True), 1.0)
    mean = ops.sum(middle * someone, axis=1, keepdims=True) / frames
    return (places - middle) * there, (middle - mean) * someone


def _distances(places, there):
    """Returns `(B, T, K (K - 1) / 2, 1)`; by matrices, since picking joints takes far longer."""
    one, other = np.triu_indices(places.shape[2], 1)
    signs = np.zeros((places.shape[2], len(one)), np.float32)
    signs[one, np.arange(len(one))], signs[other, np.arange(len(one))] = 1, -1
    along, across = (ops.matmul(places[..., axis], signs) for axis in (0, 1))
    both = ops.cast(ops.matmul(there[..., 0], np.abs(signs)) > 1.5, "float32")
    return (ops.sqrt(along**2 + across**2) * both)[..., None]


@_register
class MaskedMean(keras.layers.Layer):
    """`(B, T, F)` and the mask to `(B, F)`: the mean over its frames; 0 where there are none."""

    def call(self, sequence, mask):
        """Returns `(B, F)`."""
        weights = mask[..., None]
        return ops.sum(sequence * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1.0)


@_register
class EndFrame(keras.layers.Layer):
    """`(B, T, F)` and the mask to `(B, F)`: its first or last frame; 0 where there is none.

    Args:
        end: "first" or "last".
    """

    def __init__(self, end: Literal["first", "last"], **options) -> None:
        super().__init__(**options)
        self.end = end

    def call(self, sequence, mask):
        """Returns `(B, F)`."""
        frames = sequence.shape[1]
        rank = ops.arange(1, frames + 1, dtype="float32")
        ranked = mask * (rank if self.end == "last" else rank[::-1])
        chosen = ops.cast(ranked >= ops.max(ranked, axis=1, keepdims=True), "float32") * mask
        return ops.sum(sequence * chosen[..., None], axis=1)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "end": self.end}


@_register
class ShiftToStart(keras.layers.Layer):
    """`(B, T, K, C)` joints moved in time: the first frame with a person is first, zeros last."""

    def call(self, inputs):
        """Returns `(B, T, K, C)`."""
        frames = inputs.shape[1]
        found = ops.cast(ops.max(inputs[..., -1], axis=-1) > 0, "float32")
        number = ops.arange(frames, dtype="float32")
        first = frames - ops.max(found * (frames - number), axis=1)  # argmax has no ONNX here
        moved = number[None, :, None] + first[:, None, None]
        moves = ops.cast(number[None, None, :] == moved, "float32")  # (B, T, T)
        flat = ops.reshape(inputs, (-1, frames, inputs.shape[2] * inputs.shape[3]))
        return ops.reshape(ops.matmul(moves, flat), (-1, *inputs.shape[1:]))
