"""Leeds Sports Pose: `joints.mat` and 2,000 pictures of one person each in, one `Sample` each out.

The file holds `joints` `(3, 14, N)`: x, y and a flag for each joint of each picture. Picture i,
counted from 1, is `im0001.jpg`, `im0002.jpg` and so on; the first 1,000 are the official training
set, the others the test set. No picture is opened here.

Source: Johnson and Everingham, "Clustered Pose and Nonlinear Appearance Models for Human Pose
Estimation", BMVC 2010, and the data set's README.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pose_activity.annotations.readers.matlab import load_mat
from pose_activity.annotations.skeleton import LSP14
from pose_activity.annotations.types import Sample

_TRAIN = 1000  # pictures, the first ones
_HIDDEN = 1  # the flag of a joint that is covered; it has a place nevertheless


def read_lsp(annotations: Path, images: Path | None) -> Iterator[Sample]:
    """Reads the file.

    A covered joint has v = 0.5, another one 1; one without a place, at (0, 0) or not a number, is
    missing. The head's size, PCKh's unit, is the distance from neck to head top.

    Args:
        annotations: `joints.mat`.
        images: Folder of the pictures; None leaves bare file names in `Sample.image`.

    Yields:
        One LSP14 Sample with one person per picture, in the file's order: box all zero, `size`,
        `activity` and `group` None, `split` "train" or "test".

    Raises:
        ValueError: the file is missing, damaged or of another layout.
    """
    if not annotations.is_file():
        raise ValueError(f"{annotations}: there is no such file. Give LSP's joints.mat.")
    joints = load_mat(annotations, ["joints"]).get("joints")
    shape = (3, len(LSP14))
    if not isinstance(joints, np.ndarray) or joints.ndim != 3 or joints.shape[:2] != shape:
        found = getattr(joints, "shape", "no variable of that name")
        raise ValueError(
            f"{annotations}: must hold joints (3, {len(LSP14)}, pictures). Received: {found}"
        )
    for i, (x, y, flags) in enumerate(np.moveaxis(joints, 2, 0)):
        name = f"im{i + 1:04d}.jpg"
        keypoints = _keypoints(x, y, flags)
        yield Sample(
            image=Path(name) if images is None else images / name,
            size=None,
            skeleton=LSP14,
            boxes=np.zeros((1, 4), np.float32),
            keypoints=keypoints[None],
            head_sizes=np.array([_head_size(keypoints)], np.float32),
            split="train" if i < _TRAIN else "test",
        )


def _keypoints(x: np.ndarray, y: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """Returns `(14, 3)` keypoints."""
    there = np.isfinite(x) & np.isfinite(y) & ((x != 0) | (y != 0))
    v = np.where(flags == _HIDDEN, 0.5, 1.0)
    return np.where(there[:, None], np.stack([x, y, v], axis=1), 0).astype(np.float32)


def _head_size(keypoints: np.ndarray) -> float:
    neck, top = (keypoints[LSP14.index(joint)] for joint in ("neck", "head_top"))
    return float(np.hypot(*(top - neck)[:2])) if neck[2] and top[2] else 0.0
