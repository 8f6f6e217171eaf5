"""Plain pose estimation: where the joints of a picture are, as numbers, as maps and as a picture.

    model = stage1_pose.predict.load(Path("runs/NAME/stage1"))
    poses = joint_positions("photo.jpg", model)
    maps = heat_maps("photo.jpg", model)

Pictures are paths or `(H, W, 3)` uint8 RGB arrays; coordinates are pixels of the upright picture.
"""

from os import PathLike
from pathlib import Path

import numpy as np

from pose_activity.annotations.drawing import SIDES, draw_poses, side_of
from pose_activity.annotations.images import check_picture, load_rgb
from pose_activity.annotations.joint_maps import joint_maps
from pose_activity.annotations.types import Poses
from pose_activity.stage1_pose.predict import PosePredictor

Picture = str | PathLike[str] | np.ndarray
_ARRAY = Path("array")  # stands for a path in what is said about an array
_SIGMA = 0.01  # of the picture's longer side
_GROUND = 0.35  # of the picture's light stays below the maps


def joint_positions(image: Picture, model: PosePredictor) -> Poses:
    """Finds the people of a picture and their joints.

    Args:
        image: A path, or `(H, W, 3)` uint8 RGB.
        model: From `stage1_pose.predict.load`.

    Returns:
        Boxes, scores and keypoints in pixels, by falling score; empty without people.

    Raises:
        ImageError: the file is missing, damaged or no picture.
        TypeError: something else than a path or an array.
        ValueError: an array of another shape or dtype.
    """
    return model([_pixels(image)], [_path(image)])[0]


def heat_maps(image: Picture, model: PosePredictor, *, sigma: float | None = None) -> np.ndarray:
    """Returns where each joint is likely to be, over the whole picture.

    Args:
        image: As for `joint_positions`.
        model: As for `joint_positions`.
        sigma: Of the Gaussian around a joint, in pixels; None: a 100th of the longer side.

    Returns:
        `(K, H, W)` float32 in [0, 1], K in the order of `model.skeleton`; where several people
        meet, the highest value; all zero without people.

    Raises:
        ImageError: as `joint_positions`, and so `TypeError` and `ValueError`.
    """
    return maps_of(joint_positions(image, model), sigma=sigma)


def maps_of(poses: Poses, *, sigma: float | None = None) -> np.ndarray:
    """Returns the maps of poses that are known; see `heat_maps`."""
    return joint_maps(poses.keypoints, poses.size, sigma=sigma or _SIGMA * max(poses.size))


def draw_estimate(image: Picture, poses: Poses, maps: np.ndarray) -> np.ndarray:
    """Draws skeletons and maps side by side.

    Args:
        image: The picture that both are about.
        poses: From `joint_positions`.
        maps: From `heat_maps`.

    Returns:
        `(H, 2 W, 3)` uint8 RGB; left limbs blue, right limbs orange, the middle green.
    """
    pixels = _pixels(image)
    colours = [SIDES[side_of(joint)] for joint in poses.skeleton.joints]
    lit = pixels * _GROUND
    for plane, colour in zip(maps, colours, strict=True):
        lit = np.maximum(lit, plane[..., None] * np.array(colour, np.float32))
    skeletons = draw_poses(pixels, poses.skeleton, poses.keypoints, poses.boxes)
    return np.hstack([skeletons, np.rint(lit).astype(np.uint8)])


def _path(image: Picture) -> Path:
    return _ARRAY if isinstance(image, np.ndarray) else Path(image)


def _pixels(image: Picture) -> np.ndarray:
    if isinstance(image, (str, PathLike)):
        return load_rgb(Path(image))
    if not isinstance(image, np.ndarray):
        raise TypeError(f"A picture is a path or an array. Received: {type(image).__name__}")
    return check_picture(image)
