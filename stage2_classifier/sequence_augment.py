"""Random changes to a training sequence: in time, in space, and in what was found.

In and out go tensors as `cache.sequence` makes them: `(T, K, C)` float32 joints or
`(T, H, W, K)` uint8 maps; the one that comes in is not changed. The same seed gives the same
change. A knob at 0 is off, and draws no random number. The order: time, mirror, space, noise,
dropout. Frames that are added at the end are zeros, as in a clip that is too short.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.cache import interpolate
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.learning.augmentation_seed import Change
from pose_activity.stage2_classifier.options import SequenceAugment

# Rough half widths of a body, in lengths of its torso.
_HALF_WIDTHS = {
    "shoulder": 0.33,
    "elbow": 0.38,
    "wrist": 0.38,
    "hip": 0.18,
    "knee": 0.18,
    "ankle": 0.18,
    "eye": 0.06,
    "ear": 0.13,
}
_WAVES = 0.5, 2.0  # how often the pace rises and falls in a window


def build(recipe: SequenceRecipe, options: SequenceAugment | None = None) -> Change:
    """Builds the function that changes one tensor.

    Args:
        recipe: What the tensors are.
        options: How much; None for the usual options.

    Returns:
        A function from a tensor and a seed to the changed tensor.

    Raises:
        ValueError: `yaw`, `joint_shift` or `noise` for maps.
    """
    asked = options or SequenceAugment()
    for name in ("yaw", "joint_shift", "noise"):
        value = getattr(asked, name)
        if recipe.kind == "maps" and value:
            raise ValueError(f"{name} moves joints and must be 0 for maps. Received: {value}")
    kind = _Maps() if recipe.kind == "maps" else _Joints(recipe.gaps == "interpolate")
    flip, depths = list(recipe.body.flip_index), _depths(recipe.body)

    def augment(tensor: np.ndarray, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        if asked.speed or asked.time_warp or asked.time_crop:
            frames = _observed(kind.found(tensor))
            tensor = kind.at(
                tensor,
                _draw_places(
                    rng, frames, len(tensor), asked.speed, asked.time_warp, asked.time_crop
                ),
            )
        if asked.mirror and rng.random() < asked.mirror:
            tensor = kind.mirrored(tensor, flip)
        if asked.rotate or asked.scale or asked.shear:
            tensor = kind.moved(tensor, _draw_matrix(rng, asked.rotate, asked.scale, asked.shear))
        if isinstance(kind, _Joints):
            if asked.yaw:
                tensor = kind.turned(tensor, np.radians(rng.uniform(-asked.yaw, asked.yaw)), depths)
            if asked.joint_shift:
                tensor = kind.shaken(tensor, rng.normal(0, asked.joint_shift, (tensor.shape[1], 2)))
            if asked.noise:
                tensor = kind.shaken(tensor, rng.normal(0, asked.noise, (*tensor.shape[:2], 2)))
        if asked.frame_dropout or asked.joint_dropout:
            tensor = kind.without(
                tensor,
                _draw_lost(rng, kind.found(tensor), asked.frame_dropout, asked.joint_dropout),
            )
        return np.ascontiguousarray(tensor)

    return augment


@dataclass(frozen=True)
class _Joints:
    """Changes `(T, K, C)`: x and y first, valid last.

    Attributes:
        fills: Whether joints that are lost are put between the frames where they are not.
    """

    fills: bool

    def found(self, tensor: np.ndarray) -> np.ndarray:
        """Returns `(T, K)` bool."""
        return np.asarray(tensor[..., -1] > 0)

    def at(self, tensor: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Reads the tensor at `(T,)` places among its frames; zeros beyond the last one."""
        before, share, inside = _between(places, _observed(self.found(tensor)))
        after = np.minimum(before + 1, len(tensor) - 1)
        weight = share[:, None, None]
        read = tensor[before] * (1 - weight) + tensor[after] * weight
        read[..., -1] = read[..., -1] >= 1  # found in both
        if not self.fills:
            read[..., :-1] *= read[..., -1:]
        return (read * inside[:, None, None]).astype(tensor.dtype)

    def mirrored(self, tensor: np.ndarray, flip: list[int]) -> np.ndarray:
        """Swaps left and right."""
        tensor = tensor[:, flip]
        tensor[..., 0] *= -1
        return tensor

    def moved(self, tensor: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """Applies a `(2, 2)` matrix to all places."""
        places = tensor[..., :2] @ matrix.T.astype(tensor.dtype)
        return np.concatenate([places, tensor[..., 2:]], axis=-1)

    def turned(self, tensor: np.ndarray, angle: float, depths: np.ndarray) -> np.ndarray:
        """Turns joints at `(K,)` depths around the upright axis, by an angle in radians."""
        tensor = tensor.copy()
        beside = np.cos(angle) * tensor[..., 0] + np.sin(angle) * depths
        tensor[..., 0] = np.where(tensor[..., :2].any(axis=-1), beside, 0)
        return tensor

    def shaken(self, tensor: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        """Adds `(T, K, 2)`, or `(K, 2)` in all frames, to the places of found joints."""
        tensor = tensor.copy()
        tensor[..., :2] += shifts * tensor[..., -1:]
        return tensor

    def without(self, tensor: np.ndarray, lost: np.ndarray) -> np.ndarray:
        """Forgets joints, `(T, K)` bool."""
        tensor = tensor.copy()
        frames = _observed(self.found(tensor))
        if self.fills and frames:
            times = np.arange(frames, dtype=float)
            tensor[:frames, :, :2] = interpolate.fill(tensor[:frames, :, :2], ~lost[:frames], times)
        else:
            tensor[lost, :2] = 0
        tensor[lost, 2:] = 0
        return tensor


@dataclass(frozen=True)
class _Maps:
    """Changes `(T, H, W, K)`."""

    def found(self, tensor: np.ndarray) -> np.ndarray:
        """Returns `(T, K)` bool."""
        return np.asarray(tensor.any(axis=(1, 2)))

    def at(self, tensor: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Takes the frame nearest to each of `(T,)` places; zeros beyond the last one."""
        before, share, inside = _between(places, _observed(self.found(tensor)))
        nearest = np.minimum(before + (share > 0.5), len(tensor) - 1)
        return tensor[nearest] * inside[:, None, None, None]

    def mirrored(self, tensor: np.ndarray, flip: list[int]) -> np.ndarray:
        """Swaps left and right."""
        return tensor[:, :, ::-1, flip]

    def moved(self, tensor: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """Applies a `(2, 2)` matrix around the middle."""
        _, height, width, joints = tensor.shape
        middle = np.array([width - 1, height - 1]) / 2
        affine = np.column_stack([matrix, middle - matrix @ middle])
        frames = [cv2.warpAffine(frame, affine, (width, height)) for frame in tensor]
        return np.stack(frames).reshape(-1, height, width, joints)  # OpenCV drops a lone channel

    def without(self, tensor: np.ndarray, lost: np.ndarray) -> np.ndarray:
        """Forgets joints, `(T, K)` bool."""
        return tensor * ~lost[:, None, None]


def _observed(found: np.ndarray) -> int:
    """Returns how many frames there are up to the last one in which a joint was found."""
    frames = np.flatnonzero(found.any(axis=1))
    return int(frames[-1]) + 1 if len(frames) else 0


def _draw_places(
    rng: np.random.Generator,
    frames: int,
    count: int,
    speed: float,
    time_warp: float,
    time_crop: float,
) -> np.ndarray:
    """Returns `count` rising places to read `frames` frames at; beyond the last one is NaN."""
    kept = frames
    if time_crop:
        kept = max(1, round(frames * (1 - rng.uniform(0, time_crop))))
    first = rng.integers(0, frames - kept + 1) if frames else 0
    pace = np.ones(count)
    if speed:
        pace *= rng.uniform(1 - speed, 1 + speed)
    if time_warp:
        waves, phase, height = rng.uniform(*_WAVES), rng.uniform(), rng.uniform(-1, 1)
        pace *= np.exp(
            time_warp * height * np.sin(2 * np.pi * (waves * np.arange(count) / count + phase))
        )
    places = np.cumsum(pace) - pace[0]
    slack = kept - 1 - places[-1]
    if slack > 0:
        places += rng.uniform(0, slack)
    return np.where(places <= kept - 1, first + places, np.nan)


def _between(places: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns for each place the frame before it, the distance to it, whether it is inside."""
    inside = np.isfinite(places) & (frames > 0)
    finite = np.where(inside, places, 0.0)
    before = np.floor(finite).astype(int)
    return before, finite - before, inside


def _draw_matrix(rng: np.random.Generator, rotate: float, scale: float, shear: float) -> np.ndarray:
    """Returns a `(2, 2)` matrix that slants, turns and sizes."""
    matrix = np.eye(2)
    if shear:
        matrix[0, 1] = np.tan(np.radians(rng.uniform(-shear, shear)))
    if rotate:
        angle = np.radians(rng.uniform(-rotate, rotate))
        sine, cosine = np.sin(angle), np.cos(angle)
        matrix = np.array([[cosine, -sine], [sine, cosine]]) @ matrix
    if scale:
        matrix *= rng.uniform(1 - scale, 1 + scale)
    return matrix


def _depths(skeleton: Skeleton) -> np.ndarray:
    """Returns `(K,)`: each joint's distance to the body's middle plane, left ones before it."""
    depths = np.zeros(len(skeleton))
    for pair in skeleton.pairs:
        part = next((name for name in _HALF_WIDTHS if pair[0].endswith(name)), None)
        for joint, sign in zip(pair, (-1, 1), strict=True):
            depths[skeleton.index(joint)] = sign * _HALF_WIDTHS.get(part or "", 0.0)
    return depths


def _draw_lost(
    rng: np.random.Generator, found: np.ndarray, frame_dropout: float, joint_dropout: float
) -> np.ndarray:
    """Returns `(T, K)` bool: what is dropped; nothing if nothing would be left."""
    lost = np.zeros_like(found)
    if frame_dropout:
        lost |= rng.random((len(lost), 1)) < frame_dropout
    if joint_dropout:
        lost |= rng.random((1, lost.shape[1])) < joint_dropout
    return lost if (found & ~lost).any() else np.zeros_like(lost)
