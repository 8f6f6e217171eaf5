"""Where a body is in each frame, and how large: the origin and the unit of normalised joints.

In come a clip's joints as `(T, K, 2)` pixels, gaps filled (see `cache.interpolate.fill`), and `(T,
K)` bool `found`; out go `(T, 2)` origins and `(T,)` units in pixels, all finite, units above 0.
At least one joint was found in one frame. Moving, scaling or mirroring a clip does the same to what
comes out.
"""

from collections.abc import Iterator

import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.cache.interpolate import fill

NECK, SHOULDERS, HIPS = ("neck",), ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")
TORSO = 1 / 3  # of a standing body's joints, from the ankles to the face
FITTING = 95  # percent of a clip's boxes that must fit into one size


def origins(
    joints: np.ndarray, found: np.ndarray, times: np.ndarray, skeleton: Skeleton
) -> np.ndarray:
    """Returns the neck in each frame.

    If it was not found, the first of these that was found replaces it: the middle of the shoulders,
    the middle of the hips, the mean of the joints; each moved by its usual (median) distance from
    the neck in this clip, so that the origin does not jump. A pair's middle needs both joints, or
    the one that was found if the other never was. In frames with nothing it is filled in, in time.

    A skeleton without neck, and a clip in which it was never found, begin with the next in turn.
    """
    at, known = np.zeros((len(times), 2)), np.zeros(len(times), bool)
    for place, there in _landmarks(joints, found, skeleton):
        both = known & there
        shift = np.median((at - place)[both], axis=0) if both.any() else np.zeros(2)
        fresh = there & ~known
        at[fresh] = place[fresh] + shift
        known = known | there
    return fill(at, known, times)


def units(
    joints: np.ndarray,
    found: np.ndarray,
    times: np.ndarray,
    skeleton: Skeleton,
    *,
    each_frame: bool,
) -> np.ndarray:
    """Returns the length of the torso, from the neck (or the shoulders' middle) to the hips'.

    Where it is found in no frame: a third of the longer side of the box around the joints found,
    which is about the torso of someone upright. Where no frame has two joints: 1 pixel.

    Args:
        joints: See the file's header.
        found: See the file's header.
        times: `(T,)` seconds.
        skeleton: Names the joints.
        each_frame: Whether each frame has its own length (filled in, in time, where it was not
            found) or all have the median of the frames in which it was.
    """
    lengths, there = _lengths(joints, found, skeleton)
    if each_frame:
        return fill(lengths[:, None], there, times)[:, 0]
    return np.full(len(times), np.median(lengths[there]))


def crops(
    joints: np.ndarray,
    drawn: np.ndarray,
    times: np.ndarray,
    size_wh: np.ndarray,
    *,
    margin: float,
    one_centre: bool,
    one_size: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the middle of the box around the joints, and the pixels that are one of a map's.

    A box keeps its proportions; it fits into the map with its margin.

    Args:
        joints: See the file's header.
        drawn: `(T, K)` bool, the joints that boxes are drawn around; those of at least one frame.
        times: `(T,)` seconds.
        size_wh: `(2,)` width and height of a map in pixels.
        margin: On each side of a box, as a share of its longer side.
        one_centre: Whether there is one box, around all joints of the clip, for all its frames.
        one_size: Whether all frames have one size: that which fits 95 % of the frames' boxes, so
            that one joint astray does not shrink the person.
    """
    there = np.any(drawn, axis=1)
    low, high = _boxes(joints, drawn)
    if one_centre:
        low, high = np.broadcast_arrays(low.min(axis=0), high.max(axis=0), low)[:2]
        there = np.ones(len(times), bool)
    low, high = (np.where(there[:, None], edge, 0) for edge in (low, high))
    wide = high - low
    sizes = ((wide + 2 * margin * wide.max(axis=1, keepdims=True)) / size_wh).max(axis=1)
    known = there & (sizes > 0)
    if not known.any():
        sizes, known = np.ones(len(times)), there
    if one_size:
        sizes = np.full(len(times), np.percentile(sizes[known], FITTING))
    else:
        sizes = fill(sizes[:, None], known, times)[:, 0]
    return fill((low + high) / 2, there, times), sizes


def _landmarks(
    joints: np.ndarray, found: np.ndarray, skeleton: Skeleton
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields `(T, 2)` places from the neck down, and the `(T,)` bool frames that have them."""
    for names in (NECK, SHOULDERS, HIPS):
        yield _middle(joints, found, skeleton, names)
    count = found.sum(axis=1)
    total = np.where(found[..., None], joints, 0).sum(axis=1)
    yield total / np.maximum(count, 1)[:, None], count > 0


def _middle(
    joints: np.ndarray, found: np.ndarray, skeleton: Skeleton, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the middle of some joints, and the frames in which they were found."""
    own = [skeleton.index(name) for name in names if name in skeleton.joints]
    own = [joint for joint in own if found[:, joint].any()]
    if not own:
        return np.zeros((len(joints), 2)), np.zeros(len(joints), bool)
    return joints[:, own].mean(axis=1), np.all(found[:, own], axis=1)


def _lengths(
    joints: np.ndarray, found: np.ndarray, skeleton: Skeleton
) -> tuple[np.ndarray, np.ndarray]:
    """Returns `(T,)` lengths as `units` says, and the frames that have one: at least one does."""
    hips, with_hips = _middle(joints, found, skeleton, HIPS)
    for names in (NECK, SHOULDERS):
        top, with_top = _middle(joints, found, skeleton, names)
        lengths = np.linalg.norm(top - hips, axis=1)
        there = with_top & with_hips & (lengths > 0)
        if there.any():
            return lengths, there
    low, high = _boxes(joints, found)
    there = found.sum(axis=1) > 1
    lengths = TORSO * np.where(there[:, None], high - low, 0).max(axis=1)
    there &= lengths > 0
    return (lengths, there) if there.any() else (np.ones(len(joints)), ~there)


def _boxes(joints: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns `(T, 2)` lowest and highest x and y; inf and -inf in frames without a joint."""
    low = np.where(drawn[..., None], joints, np.inf).min(axis=1)
    return low, np.where(drawn[..., None], joints, -np.inf).max(axis=1)
