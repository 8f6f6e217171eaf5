"""What a pose model is taught: the labels, so that they say of every image what is in it.

A `Sample` in, a `Sample` out, for `annotations.readers.yolo.write_yolo`. Data sets such as MPII say
where joints are, but a detector also needs boxes that contain the body, and takes everybody who is
not labelled for background. Arithmetic on arrays.
"""

from dataclasses import replace

import numpy as np

from pose_activity.annotations.boxes import iou
from pose_activity.annotations.derived_joints import convert, joint_weights
from pose_activity.annotations.types import Poses, Sample
from pose_activity.stage1_pose.evaluate import has_joints, oks_by_name, pair

_SAME_PERSON = 0.2  # OKS, or IoU of boxes where no joint can be compared, of one and the same
_SAME_BOX = 0.5  # IoU above which a found person is a labelled one, whatever the joints say
_FROM_JOINTS = (
    1.0  # pixels between a box's sides and the outermost joints, where it comes from them
)


def contain_body(sample: Sample, *, margin: float) -> Sample:
    """Widens the boxes that were made from joints, so that hands, feet and hair are inside.

    A box that touches the outermost joints on the left and on the right was made from them; others
    are the data set's own and stay. Where all joints of a person are labelled, the boxes that the
    pretrained model draws go beyond them by .06 of the longer side to the left and right and by .1
    above and below (medians of 60 people in photos of MPII).

    Args:
        sample: With a size; boxes and joints are inside the image.
        margin: By what share of a box's longer side each side moves out, up to the image's edge.
    """
    seen = sample.keypoints[..., 2] > 0
    x = sample.keypoints[..., 0]
    left = np.where(seen, x, np.inf).min(axis=1, initial=np.inf)
    right = np.where(seen, x, -np.inf).max(axis=1, initial=-np.inf)
    gaps = np.stack([left - sample.boxes[:, 0], sample.boxes[:, 2] - right])
    is_tight = (np.abs(gaps) <= _FROM_JOINTS).all(axis=0)
    extents = sample.boxes[:, 2:] - sample.boxes[:, :2]
    out = margin * extents.max(axis=1, initial=0) * is_tight
    grown = sample.boxes + out[:, None] * np.array([-1, -1, 1, 1])
    limits = (*(sample.size or (np.inf, np.inf)),) * 2
    return replace(sample, boxes=np.clip(grown, 0, limits).astype(np.float32))


def add_unlabelled(
    sample: Sample, found: Poses, *, min_score: float, min_confidence: float = 0.5
) -> tuple[Sample, int]:
    """Adds the people that a model finds and the labels leave out, as the model sees them.

    Their joints are taken over where the model gives every joint of the labels, by name or derived;
    otherwise they have a box and no joints, from which no training learns where joints are.

    Args:
        sample: The labels of an image.
        found: What the model that training starts from finds in it.
        min_score: People with a lower score are not added.
        min_confidence: Joints with a lower confidence are missing.

    Returns:
        The sample with these people behind its own, and how many they are.
    """
    by_joints, boxes = oks_by_name(found, sample), iou(sample.boxes, found.boxes)
    similarity = np.where(has_joints(found, sample)[:, None], by_joints, boxes)
    is_labelled = np.asarray((boxes > _SAME_BOX).any(axis=0))
    partners = pair(similarity, at_least=_SAME_PERSON)
    is_labelled[partners[partners >= 0]] = True
    new = (found.scores >= min_score) & ~is_labelled
    new &= (found.boxes[:, 2:] > found.boxes[:, :2]).all(axis=1)
    if not new.any():
        return sample, 0
    joints = _as_labels(sample, found, min_confidence)[new]
    heads = np.zeros(int(new.sum()), np.float32)
    added = replace(
        sample,
        boxes=np.concatenate([sample.boxes, found.boxes[new]]),
        keypoints=np.concatenate([sample.keypoints, joints]),
        head_sizes=np.concatenate([sample.head_sizes, heads]),
        activities=sample.activities and (*sample.activities, *[None] * len(heads)),
    )
    return added, len(heads)


def _as_labels(sample: Sample, found: Poses, min_confidence: float) -> np.ndarray:
    """Returns the found people's joints `(M, K, 3)` as labels: v is 1 or 0, all in the image."""
    points = convert(found.keypoints, found.skeleton, sample.skeleton)
    knows_all = joint_weights(found.skeleton, sample.skeleton).any(axis=1).all()
    inside = ((points[..., :2] >= 0) & (points[..., :2] < found.size)).all(axis=2)
    sure = (points[..., 2] >= min_confidence) & inside & knows_all
    points[..., 2] = 1
    return points * np.asarray(sure)[..., None].astype(np.float32)
