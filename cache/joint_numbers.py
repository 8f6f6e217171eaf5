"""One person's joints as numbers, which a classifier reads beside the pictures of a photo.

In come the `Poses` of a photo and which person is meant, out goes `(2, D)` float32: the numbers,
and those of the mirror image, so that a classifier may treat left and right alike. A row is

    1 where there is a person; a row of nobody is 0
    3 K      x, y of each joint from the middle of the person's box, in its longer side; v
    2 B      direction of each bone, as a unit vector times the smaller v of its ends
    1        log of the box's width over its height
    4        where the box is in the photo: middle x (from -.5) and y (to .5), log of its shares of
             the width and the height
    1        log of 1 + the number of people
    4        the next prominent person: 1, the way to the middle of the box, in the longer side of
             the first one, and log of how much longer that one's is; 0 where there is none

for the K joints and B bones of a skeleton.
"""

import numpy as np

from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Poses
from pose_activity.cache.people import by_prominence

_OF_BOXES = 11  # numbers of a row that are of no joint and no bone


def size(skeleton: Skeleton) -> int:
    """Returns D, the length of a row."""
    return _OF_BOXES + 3 * len(skeleton) + 2 * len(skeleton.bones)


def make(poses: Poses, person: int | None) -> np.ndarray:
    """Returns the numbers of a person and of the mirror image.

    Args:
        poses: Of a photo.
        person: An index into `poses`; None: nobody was found.

    Returns:
        `(2, size(poses.skeleton))` float32.
    """
    if person is None:
        return np.zeros((2, size(poses.skeleton)), np.float32)
    others = [other for other in by_prominence(poses) if other != person]
    boxes = poses.boxes[[person, *others[:1]]].astype(np.float64)
    keypoints = poses.keypoints[person].astype(np.float64)
    width = poses.size[0]
    turned = keypoints[list(poses.skeleton.flip_index)] * (-1, 1, 1) + (width, 0, 0)
    turned_boxes = boxes[:, [2, 1, 0, 3]] * (-1, 1, -1, 1) + (width, 0, width, 0)
    rows = [
        _row(poses, *side, count=len(poses.boxes))
        for side in ((boxes, keypoints), (turned_boxes, turned))
    ]
    return np.stack(rows).astype(np.float32)


def _row(poses: Poses, boxes: np.ndarray, keypoints: np.ndarray, *, count: int) -> np.ndarray:
    """Returns the numbers of the first box's person, `(D,)`."""
    middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, np.maximum(boxes[:, 2:] - boxes[:, :2], 1)
    longer = sides.max(1)
    v = keypoints[:, 2]
    places = np.where(v[:, None] > 0, (keypoints[:, :2] - middles[0]) / longer[0], 0)
    other = np.zeros(4)
    if len(boxes) > 1:
        other[:] = (1, *(middles[1] - middles[0]) / longer[0], np.log(longer[1] / longer[0]))
    return np.concatenate(
        [
            [1],
            np.column_stack([places, v]).ravel(),
            _directions(places, v, poses.skeleton).ravel(),
            [np.log(sides[0, 0] / sides[0, 1])],
            middles[0] / poses.size - 0.5,
            np.log(sides[0] / poses.size),
            [np.log1p(count)],
            other,
        ]
    )


def _directions(places: np.ndarray, v: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Returns `(B, 2)`: where each bone points, the less the less surely its ends are seen."""
    starts, ends = np.array(skeleton.bone_index, int).reshape(-1, 2).T
    ways = places[ends] - places[starts]
    lengths = np.linalg.norm(ways, axis=1, keepdims=True)
    return ways / np.maximum(lengths, 1e-6) * np.minimum(v[starts], v[ends])[:, None]
