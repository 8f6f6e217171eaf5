"""Labels by bones and a silhouette; both are drawn by hand."""

from pathlib import Path

import numpy as np

from pose_activity.annotations.parts import IGNORE, PARTS15
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.cache.bones import draw_parts
from pose_activity.stage1_parts.teacher import agreement, teach
from tests.inference.motion_model import PLACES

SHAPE = (80, 60)


def poses(score: float = 0.9) -> Poses:
    box = np.array([[10, 5, 50, 75]], np.float32)
    points = PLACES * (box[0, 2:] - box[0, :2]) + box[0, :2]
    keypoints = np.concatenate([points, np.full((17, 1), 0.9)], axis=1)[None].astype(np.float32)
    return Poses(
        Path("a"), (SHAPE[1], SHAPE[0]), COCO17, box, np.array([score], np.float32), keypoints
    )


def test_a_pixel_has_a_label_where_bones_and_silhouette_agree() -> None:
    bones = draw_parts(poses().keypoints, COCO17, SHAPE)
    person = np.full(SHAPE, 0.1, np.float32)
    person[20:60] = 0.9
    person[60:70] = 0.5
    ids = teach(poses(), person)
    for y, x in np.ndindex(*SHAPE):  # slowly, and as the rule is said
        if bones[y, x] and person[y, x] > 0.6:
            expected = bones[y, x]
        elif not bones[y, x] and person[y, x] < 0.4:
            expected = 0
        else:
            expected = IGNORE
        assert ids[y, x] == expected
    assert {0, IGNORE, PARTS15.index("torso")} <= {*np.unique(ids).tolist()}
    whole = ((ids > 0) & (ids != IGNORE)).sum() / (40 * 60)
    assert agreement(ids, person) == whole


def test_nobody_is_sure() -> None:
    person = np.full(SHAPE, 0.9, np.float32)
    assert (teach(poses(score=0.3), person) == IGNORE).all()
    assert agreement(teach(poses(score=0.3), person), person) == 0
    nobody = np.zeros(SHAPE, np.float32)
    assert agreement(teach(poses(), nobody), nobody) == 0
