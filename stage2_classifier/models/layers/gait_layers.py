"""Layers that describe a walker's body, and statistics of a clip that a few bad frames do not move.

Everywhere: B sequences of T frames; a *mask* is float32 `(B, T)` as in `motion_layers`. All of it
can be saved, loaded and converted to ONNX; loading a model needs this file to be imported.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from pose_activity.annotations.skeleton import Skeleton

_HEADS = ("nose", "head_top")  # the first one that a skeleton has
_TALL = 2.5  # how high the unit of length makes a body, from the ankles to the head
_SHORT = 0.1  # in that unit: shorter bones have hardly a direction

ops: Any = keras.ops  # its own types say that everything may be None

_register = keras.saving.register_keras_serializable(package="pose_activity")


@_register
class FaceRight(keras.layers.Layer):
    """`(B, T, K, C)` joints to `(B, T, 2, K)`: walking to the right, from the hips, equally tall.

    Who walks to the left is mirrored, left and right joints changing places, so that both ways
    teach the same. The unit is the same in all frames of a clip. Frames outside the mask become 0.

    Args:
        head: Index of the joint that shows where the person looks, and how tall it is.
        shoulders: Indices of both.
        hips: Indices of both.
        ankles: Indices of both.
        flip: For each joint, the one that takes its place in a mirror.
    """

    def __init__(
        self,
        head: int,
        shoulders: Sequence[int],
        hips: Sequence[int],
        ankles: Sequence[int],
        flip: Sequence[int],
        **options,
    ) -> None:
        super().__init__(**options)
        self.head, self.shoulders, self.hips = head, tuple(shoulders), tuple(hips)
        self.ankles, self.flip = tuple(ankles), tuple(flip)

    def call(self, inputs, mask):
        """Returns `(B, T, 2, K)`."""
        count, weights = len(self.flip), ops.expand_dims(mask, (2, 3))
        frames = ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1.0)
        places = ops.transpose(inputs[..., :2], (0, 1, 3, 2))
        mean = ops.sum(places * weights, axis=1, keepdims=True) / frames
        # Products with constants: in ONNX, picking joints one group at a time costs more.
        ahead = ops.matmul(mean[:, :, :1], _way(count, self.shoulders, [self.head]))
        height = ops.matmul(mean[:, :, 1:], _way(count, [self.head], self.ankles))
        from_hips = np.stack([_way(count, self.hips, [joint]) for joint in range(count)], axis=1)
        straight = ops.matmul(places, from_hips[:, :, 0])
        mirrored = ops.matmul(places, from_hips[:, list(self.flip), 0])
        mirrored = mirrored * np.array([[-1], [1]], np.float32)
        unit = ops.maximum(height, 1.0) / _TALL  # lying or upside down: at least a torso
        return ops.where(ahead >= 0, straight, mirrored) * (weights / unit)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        names = ("head", "shoulders", "hips", "ankles", "flip")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def face_right(inputs, mask, skeleton: Skeleton):
    """Applies `FaceRight`.

    Args:
        inputs: `(B, T, K, C)`, symbolic.
        mask: `(B, T)`, symbolic.
        skeleton: Names the K joints.

    Raises:
        ValueError: they are not its joints, or it lacks one that is needed.
    """
    if len(inputs.shape) != 4 or inputs.shape[2] != len(skeleton):
        raise ValueError(
            f"This model takes joints of {skeleton.name!r}: tensors (frames, {len(skeleton)}, "
            f"channels). Received: {tuple(inputs.shape[1:])}. Build the cache with kind 'joints'."
        )
    heads = [joint for joint in _HEADS if joint in skeleton.joints]
    if not heads:
        raise ValueError(
            f"This model needs one of the joints {list(_HEADS)}. Received: {skeleton.joints}"
        )
    both = {
        f"{part}s": [skeleton.index(f"{side}_{part}") for side in ("left", "right")]
        for part in ("shoulder", "hip", "ankle")
    }
    layer = FaceRight(skeleton.index(heads[0]), flip=skeleton.flip_index, **both, name="face_right")
    return layer(inputs, mask)


@_register
class Build(keras.layers.Layer):
    """`(B, T, 2, K)` joints to `(B, T, F)`: joints, spans (x, y and length) and the turns.

    Args:
        spans: Joint indices (from, to): bones, and the lines between left and right.
        turns: Joint indices (a, b, c): cosine and sine of the angle at b.
    """

    def __init__(
        self, spans: Sequence[Sequence[int]], turns: Sequence[Sequence[int]], **options
    ) -> None:
        super().__init__(**options)
        self.spans = tuple((int(a), int(b)) for a, b in spans)
        self.turns = tuple((int(a), int(b), int(c)) for a, b, c in turns)

    def call(self, inputs):
        """Returns `(B, T, F)`."""
        begins, middles, ends = zip(*self.turns, strict=True)
        across, down = (ops.squeeze(x, axis=2) for x in ops.split(inputs, 2, axis=2))
        x, y, lengths = self._ways(across, down, *zip(*self.spans, strict=True))
        back_x, back_y, back = self._ways(across, down, middles, begins)
        on_x, on_y, on = self._ways(across, down, middles, ends)
        long = back * on + _SHORT**2
        cosine, sine = back_x * on_x + back_y * on_y, back_x * on_y - back_y * on_x
        return ops.concatenate([across, down, x, y, lengths, cosine / long, sine / long], axis=-1)

    @staticmethod
    def _ways(across, down, begins: Sequence[int], ends: Sequence[int]):
        """Returns x, y and length of the ways between joints, each `(B, T, ways)`."""
        each = [_way(across.shape[2], [a], [b])[:, 0] for a, b in zip(begins, ends, strict=True)]
        x, y = (ops.matmul(places, np.stack(each, axis=1)) for places in (across, down))
        return x, y, ops.sqrt(x * x + y * y + 1e-6)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "spans": self.spans, "turns": self.turns}


def build_of(places, skeleton: Skeleton):
    """Applies `Build` with a skeleton's bones and left/right pairs, and wherever two bones meet."""
    bones = skeleton.bone_index
    pairs = [(skeleton.index(a), skeleton.index(b)) for a, b in skeleton.pairs]
    turns = [(a, b, c) for a, b in bones for begin, c in bones if begin == b]
    return Build([*dict.fromkeys((*bones, *pairs))], turns, name="build")(places)


def _way(count: int, begin: Sequence[int], end: Sequence[int]) -> np.ndarray:
    """Returns `(count, 1)`: what sums joints to the way between the middles of some and others."""
    weights = np.zeros((count, 1), np.float32)
    weights[list(end)] += 1 / len(end)
    weights[list(begin)] -= 1 / len(begin)
    return weights


@_register
class Quantiles(keras.layers.Layer):
    """`(B, T, F)` and the mask to `(B, F * Q)`: quantiles over its frames; 0 where there are none.

    Between two frames it interpolates, as `numpy.quantile` does.

    Args:
        at: Q numbers in [0, 1].
    """

    def __init__(self, at: Sequence[float], **options) -> None:
        super().__init__(**options)
        self.at = tuple(at)

    def call(self, sequence, mask):
        """Returns `(B, F * Q)`."""
        # Frames outside the mask are sorted behind all others.
        values = ops.transpose(sequence * ops.expand_dims(mask, 2), (0, 2, 1))
        ranked = ops.sort(values + ops.expand_dims((1 - mask) * 1e6, 1), axis=-1)
        frames = ops.expand_dims(ops.sum(mask, axis=1), (1, 2))
        wanted = np.array(self.at, np.float32)[:, None] * ops.maximum(frames - 1, 0.0)
        # How much of each rank: 1 at the wanted one, falling to 0 a rank away.
        rank = np.arange(sequence.shape[1], dtype=np.float32)
        share = ops.maximum(1 - ops.abs(rank - wanted), 0.0) * ops.cast(rank < frames, "float32")
        there = ranked * ops.cast(rank < frames, "float32")
        quantiles = ops.matmul(there, ops.transpose(share, (0, 2, 1)))
        return ops.reshape(quantiles, (-1, sequence.shape[2] * len(self.at)))

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "at": self.at}


@_register
class Moments(keras.layers.Layer):
    """`(B, T, F)` and the mask to `(B, 2 F)`: mean and deviation over its frames."""

    def call(self, sequence, mask):
        """Returns `(B, 2 F)`."""
        weights = ops.expand_dims(mask, 2)
        frames = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
        mean = ops.sum(sequence * weights, axis=1) / frames
        apart = (sequence - ops.expand_dims(mean, 1)) * weights
        square = ops.sum(apart * apart, axis=1) / frames
        return ops.concatenate([mean, ops.sqrt(square + 1e-6)], axis=-1)


@_register
class Motion(keras.layers.Layer):
    """`(B, T, 2, K)` joints and the mask to `(B, T - 1, 2 K)`, how far they move, and its mask."""

    def call(self, places, mask):
        """Returns both; a move is known where both its frames are in the mask."""
        moved = places[:, 1:] - places[:, :-1]
        moved = ops.reshape(moved, (-1, moved.shape[1], 2 * moved.shape[3]))
        return moved, mask[:, 1:] * mask[:, :-1]


@_register
class CosineHead(keras.layers.Layer):
    """`(B, D)` to `(B, classes)` probabilities: a softmax of cosines with a vector for each class.

    Args:
        classes: Number of answers.
        sharpness: Factor of the cosines.
    """

    def __init__(self, classes: int, sharpness: float, **options) -> None:
        super().__init__(**options)
        self.classes, self.sharpness = classes, sharpness

    def build(self, input_shape) -> None:
        """Makes the vectors."""
        shape = (input_shape[-1], self.classes)
        self.prototypes = self.add_weight(shape=shape, initializer="glorot_uniform", name="classes")

    def call(self, vectors):
        """Returns `(B, classes)`."""
        cosines = ops.matmul(_unit(vectors, axis=1), _unit(self.prototypes, axis=0))
        return ops.softmax(self.sharpness * cosines)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        own = {"classes": self.classes, "sharpness": self.sharpness}
        return {**super().get_config(), **own}


def _unit(vectors, axis: int):
    return vectors / ops.sqrt(ops.sum(vectors**2, axis=axis, keepdims=True) + 1e-6)
