"""One clip into the tensors that stage 2 sees: training and inference share `make`.

In comes a `Clip` (joints in pixels, frame by frame, at true times), out go its windows: float32
`(W, T, K, C)` joints in units of the body, or uint8 `(W, T, H, W, K)` joint maps. What fills gaps
and what resamples is in `cache.interpolate`; where the body is and how large it is, in
`cache.normalize`. Knows nothing of files, labels and splits.
"""

from dataclasses import dataclass

import numpy as np

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.convert import to_openpose18
from pose_activity.annotations.joint_maps import joint_maps
from pose_activity.annotations.skeleton import OPENPOSE18
from pose_activity.cache import interpolate, normalize
from pose_activity.cache.options import KNOWN
from pose_activity.cache.sequence_recipe import SequenceRecipe

LEAST_SEEN = 0.5  # share of a window's frames with a person, below which nothing is sure


class ShortClip(ValueError):
    """A clip has fewer frames than a window, and the recipe refuses it."""


@dataclass(frozen=True, eq=False)
class Windows:
    """What `make` cuts from a clip. W may be 0.

    Attributes:
        tensors: `(W, *recipe.shape)` of `recipe.dtype`.
        starts: `(W,)` int64, the row of the clip's keypoints at which each begins.
        seconds: `(W,)` float64, the same in the clip's own time.
    """

    tensors: np.ndarray
    starts: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True, eq=False)
class Prepared:
    """A clip from the first to the last frame with a joint, before its windows are cut from it.

    Attributes:
        recipe: What the tensors are.
        values: `(n, K, 4)` float32: x, y (in units, or in a map's pixels), confidence, valid.
        rows: `(n,)` int64, the nearest row of the clip's keypoints.
        seconds: `(n,)` float64, in the clip's own time.
        begins: Where windows begin, in 0..n-1; those in which nobody is found are left out.
    """

    recipe: SequenceRecipe
    values: np.ndarray
    rows: np.ndarray
    seconds: np.ndarray
    begins: tuple[int, ...]

    def seen(self, window: int) -> float:
        """Returns the share of a window's frames in which a person was found, in [0, 1].

        Of a "whole" clip, which is stretched over the window, each of its own frames counts once:
        three frames of a person stay three.
        """
        begin, frames = self.begins[window], self.recipe.frames
        piece = slice(begin, begin + frames)
        with_joints = np.any(self.values[piece, :, KNOWN.index("valid")] > 0, axis=1)
        if self.recipe.windows == "whole":
            return len(np.unique(self.rows[piece][with_joints])) / frames
        return float(with_joints.sum()) / frames

    def tensor(self, window: int) -> np.ndarray:
        """Returns one of `make`'s tensors."""
        recipe, begin = self.recipe, self.begins[window]
        piece = self.values[begin : begin + recipe.frames]
        if recipe.kind == "maps":
            drawn = _maps(piece[..., :3], recipe)
        else:
            drawn = piece[..., [KNOWN.index(name) for name in recipe.channels]]
        tensor = np.zeros(recipe.shape, recipe.dtype)
        tensor[: len(drawn)] = drawn
        return tensor


def make(clip: Clip, recipe: SequenceRecipe) -> Windows:
    """Builds all tensors of a clip.

    Args:
        clip: With keypoints; nothing in it is changed.
        recipe: See `SequenceRecipe`.

    Returns:
        Its windows, in time. None where no joint was found in any frame.

    Raises:
        ValueError: the clip has no keypoints yet, or other joints than the recipe.
        ShortClip: it has fewer frames than a window, and the recipe refuses that.
    """
    ready = prepare(clip, recipe)
    begins = np.array(ready.begins, np.int64)
    tensors = np.zeros((len(begins), *recipe.shape), recipe.dtype)
    for window in range(len(begins)):
        tensors[window] = ready.tensor(window)
    return Windows(tensors, ready.rows[begins], ready.seconds[begins])


def prepare(clip: Clip, recipe: SequenceRecipe) -> Prepared:
    """Does what `make` does up to the windows, which then can be had one by one."""
    keypoints, times = _joints_of(clip, recipe)
    with_joints = np.flatnonzero((keypoints[..., 2] > 0).any(axis=1))
    first, stop = (with_joints[0], with_joints[-1] + 1) if len(with_joints) else (0, 0)
    keypoints, times = keypoints[first:stop], times[first:stop]
    if len(times):
        values, rows, seconds = _normalised(keypoints, times, recipe)
    else:
        values, rows, seconds = np.zeros((0, len(recipe.body), 4)), np.zeros(0, np.int64), times
    length = len(times) if recipe.windows == "whole" else len(seconds)
    if recipe.short == "error" and length < recipe.frames:
        raise ShortClip(
            f"{clip.name}: a clip must have at least {recipe.frames} frames, from the first to the "
            f"last in which a joint was found. Received: {length}. Leave it out, or let short be "
            "'pad'."
        )
    begins = _begins(values[..., KNOWN.index("valid")] > 0, recipe)
    return Prepared(recipe, values.astype(np.float32), first + rows, seconds, begins)


def _joints_of(clip: Clip, recipe: SequenceRecipe) -> tuple[np.ndarray, np.ndarray]:
    """Returns `(T, K, 3)` float64 keypoints of the recipe's skeleton, a copy; and times."""
    if clip.keypoints is None or clip.skeleton is None or clip.times is None:
        raise ValueError(f"{clip.name}: has no keypoints yet. Find its poses with stage 1 first.")
    keypoints = clip.keypoints
    if clip.skeleton != recipe.body:
        if recipe.body != OPENPOSE18:
            raise ValueError(
                f"{clip.name}: joints must be those of the recipe, {recipe.body.name!r}. Received: "
                f"{clip.skeleton.name!r}. Name that skeleton, or 'openpose18'."
            )
        keypoints = to_openpose18(keypoints, clip.skeleton)
    keypoints = keypoints.astype(np.float64)
    keypoints[keypoints[..., 2] < recipe.min_confidence] = 0
    return keypoints, clip.times


def _normalised(
    keypoints: np.ndarray, times: np.ndarray, recipe: SequenceRecipe
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the values, rows and seconds of a `Prepared`."""
    found = keypoints[..., 2] > 0
    filled = interpolate.fill(keypoints, found, times)
    placed = filled.copy()
    placed[..., :2] = _placed(filled[..., :2], found, times, recipe)
    seconds = _grid(times, recipe)
    moments = interpolate.moments(times, seconds)
    values = moments.between(placed)
    valid = moments.near[:, None] & found[moments.nearest]
    shown = valid if recipe.gaps == "zero" else np.broadcast_to(np.any(found, axis=0), valid.shape)
    values[~shown] = 0
    if recipe.kind == "maps":
        values[~np.any(valid, axis=1)] = 0  # an empty map is how models see that nobody was found
    else:
        values[~valid, 2] = 0
    return np.dstack([values, valid]), moments.nearest, seconds


def _placed(
    joints: np.ndarray, found: np.ndarray, times: np.ndarray, recipe: SequenceRecipe
) -> np.ndarray:
    """Returns `(T, K, 2)` joints in units from the origin, or in a map's pixels."""
    one_centre, one_size = recipe.centre == "clip", recipe.scale == "clip"
    if recipe.kind == "maps":
        size_wh = np.array([recipe.width, recipe.height])
        drawn = found
        if recipe.gaps == "interpolate":
            drawn = np.any(found, axis=1)[:, None] & np.any(found, axis=0)
        shape = {"margin": recipe.margin, "one_centre": one_centre, "one_size": one_size}
        middle, pixel = normalize.crops(joints, drawn, times, size_wh, **shape)
        return (joints - middle[:, None]) / pixel[:, None, None] + (size_wh - 1) / 2
    origin = normalize.origins(joints, found, times, recipe.body)
    if one_centre:
        origin = np.median(origin[np.any(found, axis=1)], axis=0, keepdims=True)
    unit = normalize.units(joints, found, times, recipe.body, each_frame=not one_size)
    return (joints - origin[:, None]) / unit[:, None, None]


def _maps(joints: np.ndarray, recipe: SequenceRecipe) -> np.ndarray:
    """Draws `(n, K, 3)` joints as `(n, H, W, K)` maps, 0..255."""
    size_wh = (recipe.width, recipe.height)
    maps = joint_maps(joints.reshape(1, -1, 3), size_wh, sigma=recipe.sigma)
    maps = maps.reshape(*joints.shape[:2], recipe.height, recipe.width)
    return np.rint(255 * maps).transpose(0, 2, 3, 1)


def _grid(times: np.ndarray, recipe: SequenceRecipe) -> np.ndarray:
    """Returns the seconds at which the clip is looked at."""
    if recipe.windows == "whole":
        return np.linspace(times[0], times[-1], recipe.frames)
    if recipe.rate is None:
        return times
    # Rounded times must not lose the last frame.
    count = int((times[-1] - times[0]) * recipe.rate + 1e-6) + 1
    return times[0] + np.arange(count) / recipe.rate


def _begins(valid: np.ndarray, recipe: SequenceRecipe) -> tuple[int, ...]:
    """Returns where windows begin, of `(n, K)` bool joints that were found."""
    last = max(len(valid) - recipe.frames, 0)
    begins = {0}
    if recipe.windows == "sliding":
        begins |= {*range(0, last, recipe.stride), last}
    with_joints = np.any(valid, axis=1)
    return tuple(b for b in sorted(begins) if with_joints[b : b + recipe.frames].any())
