"""Faces made unrecognizable, found by the joints of the head; `(H, W, 3)` uint8 RGB.

A face is a disc around what is known of the head: eyes, ears, nose, the top of the head, the neck.
Where none of that was found it is the upper part of the person's box: too much is hidden rather
than too little. What is hidden is replaced by a few large patches of colour, which no filter turns
back. People whom nobody found are not hidden.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from pose_activity.annotations.skeleton import Skeleton

_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top")
_THROATS = ("upper_neck", "neck")
_SEEN = 0.1  # joints of a lower confidence may be anywhere
_ROOM = 1.5  # times the distance of the farthest joint from the middle of the head
_OF_BOX = 0.12  # of a box's height: no face's radius is smaller
_OF_BOX_ALONE = 0.2  # the same where one joint says where it is: it may be at the head's edge
_UPPER = 0.3  # of a box's height, where no joint of the head was found
_PATCHES = 4  # across a face


def hide_faces(
    image: np.ndarray, skeleton: Skeleton, keypoints: np.ndarray, boxes: np.ndarray
) -> np.ndarray:
    """Returns an image without faces.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        skeleton: Names the K joints.
        keypoints: `(N, K, 3)` float32, pixels and confidence.
        boxes: `(N, 4)` float32 xyxy pixels.
    """
    hidden = image.copy()
    for x1, y1, x2, y2, is_round in find_faces(skeleton, keypoints, boxes):
        left, top = max(0, int(x1)), max(0, int(y1))
        right, bottom = min(image.shape[1], int(np.ceil(x2))), min(image.shape[0], int(np.ceil(y2)))
        if right <= left or bottom <= top:
            continue
        part = image[top:bottom, left:right]
        few = cv2.resize(part, (_PATCHES, _PATCHES), interpolation=cv2.INTER_AREA)
        coarse = cv2.resize(few, part.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        if is_round:
            rows, columns = np.ogrid[top:bottom, left:right]
            radius, middle = (x2 - x1) / 2, ((x1 + x2) / 2, (y1 + y2) / 2)
            inside = (columns - middle[0]) ** 2 + (rows - middle[1]) ** 2 <= radius**2
            hidden[top:bottom, left:right][inside] = coarse[inside]
        else:
            hidden[top:bottom, left:right] = coarse
    return hidden


def find_faces(
    skeleton: Skeleton, keypoints: np.ndarray, boxes: np.ndarray
) -> Iterator[tuple[float, float, float, float, bool]]:
    """Yields x1, y1, x2, y2 of each face, and whether it is the disc in there.

    Arguments are those of `hide_faces`; a face may reach outside the picture.
    """
    face = [skeleton.index(name) for name in _FACE if name in skeleton.joints]
    throat = [skeleton.index(name) for name in _THROATS if name in skeleton.joints]
    for joints, (x1, y1, x2, y2) in zip(keypoints, boxes.tolist(), strict=True):
        seen = joints[[i for i in (*face, *throat) if joints[i, 2] > _SEEN], :2]
        if not any(joints[i, 2] > _SEEN for i in face):
            if x2 > x1 and y2 > y1:
                yield x1, y1, x2, y1 + _UPPER * (y2 - y1), False
            continue
        x, y = seen.mean(axis=0).tolist()
        farthest = float(np.linalg.norm(seen - (x, y), axis=1).max())
        least = _OF_BOX if len(seen) > 1 else _OF_BOX_ALONE
        radius = max(_ROOM * farthest, least * (y2 - y1), 2.0)
        yield x - radius, y - radius, x + radius, y + radius, True
