"""The poses of a run's pictures: what its stage 1 finds in them, or the labels' own joints."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.types import Poses, Sample
from pose_activity.cache import poses
from pose_activity.configs.pictures import PictureRun
from pose_activity.stage1_pose.predict import PosePredictor
from pose_activity.training.pictures.stage1 import find_poses
from pose_activity.training.pictures.steps import SAMPLES

FROM_LABELS = "the labels' own joints"  # in place of a pose model's name


def poses_of(
    run: PictureRun,
    images: Sequence[Path],
    cache: Path,
    load: Callable[[], PosePredictor] | None = None,
) -> poses.Found:
    """Returns the poses from which a cache is drawn.

    Args:
        run: The step `annotations` is finished, and `stage1` where the run has it.
        images: Of the run.
        cache: The cache's folder, which keeps what stage 1 found.
        load: See `find_poses`.
    """
    if run.cache.poses == "labels":
        wanted = set(images)
        samples = [s for s in read_samples(run.run_dir / SAMPLES) if s.image in wanted]
        return poses.Found({sample.image: poses_of_labels(sample) for sample in samples})
    return find_poses(run, images, run.run_dir / "stage1", cache / poses.FILE, load)


def poses_of_labels(sample: Sample) -> Poses:
    """Returns the labelled people of a picture as if stage 1 had found them, each with score 1.

    Args:
        sample: Of a picture whose size is known. A person without a box is left out.

    Raises:
        ValueError: the size is not known.
    """
    if sample.size is None:
        raise ValueError(
            f"{sample.image}: the size of a picture must be known to show its labels. Received: "
            "None. The step annotations finds it."
        )
    boxed = sample.take((sample.boxes[:, 2:] > sample.boxes[:, :2]).all(axis=1))
    return Poses(
        image=sample.image,
        size=sample.size,
        skeleton=sample.skeleton,
        boxes=boxed.boxes,
        scores=np.ones(len(boxed.boxes), np.float32),
        keypoints=boxed.keypoints,
    )
