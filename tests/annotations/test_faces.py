"""Faces that are hidden, on pictures where each pixel is another one."""

import numpy as np
import pytest

from pose_activity.annotations.faces import hide_faces
from pose_activity.annotations.skeleton import COCO17, MPII16, OPENPOSE18, Skeleton

SIZE = (200, 300)  # width, height
BOX = (50, 40, 150, 280)
HEAD = {"nose": (100, 70), "left_eye": (106, 64), "right_eye": (94, 64)}
OTHERS = {"left_ear": (114, 66), "right_ear": (86, 66), "head_top": (100, 44)}
OTHERS |= {"upper_neck": (100, 92), "neck": (100, 95)}


def noise() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)


def person(skeleton: Skeleton, places: dict[str, tuple[int, int]]) -> np.ndarray:
    joints = np.zeros((1, len(skeleton), 3), np.float32)
    for name, place in places.items():
        if name in skeleton.joints:
            joints[0, skeleton.index(name)] = (*place, 0.9)
    return joints


@pytest.mark.parametrize("skeleton", [COCO17, MPII16, OPENPOSE18], ids=lambda s: s.name)
@pytest.mark.parametrize("places", [HEAD | OTHERS, {**HEAD, "head_top": (100, 44)}, {}])
def test_a_face_is_gone_and_the_rest_is_there(
    skeleton: Skeleton, places: dict[str, tuple[int, int]]
) -> None:
    image = noise()
    before = image.copy()
    boxes = np.array([BOX], np.float32)
    hidden = hide_faces(image, skeleton, person(skeleton, places), boxes)
    assert (image == before).all(), "a copy"
    changed = (hidden != image).any(-1)
    x1, y1, x2, y2 = BOX
    assert changed[58:74, 88:112].mean() > 0.95, "eyes and nose"
    assert not changed[y1 + (y2 - y1) // 2 :].any(), "hips and legs"
    assert len(np.unique(hidden[58:74, 88:112].reshape(-1, 3), axis=0)) <= 16, "a few patches"


def test_a_head_at_the_edge_and_nobody() -> None:
    image = noise()
    at_edge = person(COCO17, {"nose": (0, 0), "left_eye": (3, -2)})
    hidden = hide_faces(image, COCO17, at_edge, np.array([[-20, -20, 40, 200]], np.float32))
    assert (hidden[:4, :4] != image[:4, :4]).any() and hidden.shape == image.shape
    none = np.zeros((0, 17, 3), np.float32)
    assert (hide_faces(image, COCO17, none, np.zeros((0, 4), np.float32)) == image).all()
