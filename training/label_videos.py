"""The command `label-videos`: frames of unlabelled videos with part masks, to learn from.

    OUT/images/VIDEO_NNNNNN.jpg   frames in which bones and silhouette agree for the most part
    OUT/masks/VIDEO_NNNNNN.png    numbers of parts15; 255 where they disagree

A configuration takes them by `parts: {images: OUT, scheme: parts15}`; `more` adds them to masks
that people drew.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.images import ImageError, write_image
from pose_activity.annotations.media import find_media
from pose_activity.annotations.part_files import write_mask
from pose_activity.annotations.readers.part_folder import IMAGES, MASKS
from pose_activity.artifacts.names import shown
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_parts.teacher import agreement, teach
from pose_activity.stage1_pose.predict import PosePredictor
from pose_activity.training.console import console, say_notes, say_rows

_OUTCOMES = ("written", "disagree", "nobody")
Silhouette = Callable[[np.ndarray], np.ndarray]  # `(H, W, 3)` uint8 RGB -> `(H, W)` float32


def label_videos(
    paths: Sequence[Path],
    pose: PosePredictor,
    silhouette: Silhouette,
    out: Path,
    *,
    every: int = 10,
    least: float = 0.5,
) -> Counter[str]:
    """Labels frames, writes those that can be learned from, and prints how many there are.

    Args:
        paths: Videos, or folders of them.
        pose: Stage 1.
        silhouette: Says how probably each pixel is somebody's.
        out: Folder of the images and masks; files of the same names in it are replaced.
        every: Every so many frames are looked at; neighbours look alike.
        least: Share of the silhouette that must have a part.

    Returns:
        Frames that were "written", that "disagree", and in which stage 1 finds "nobody".

    Raises:
        ValueError: there is no video, or two have the same name.
    """
    sources = _find(paths)
    total: Counter[str] = Counter()
    rows, unreadable = [], []
    for source in sources:
        counts: Counter[str] = Counter()
        with progress_bar(source.name, console) as show:
            for done, frame in enumerate(videos.read_frames(source, every=every), 1):
                try:
                    image = frame.load()
                except ImageError as error:
                    unreadable.append(str(error))
                    continue
                name = f"{source.stem}_{frame.number:06d}"
                counts[_label(image, name, pose, silhouette, out, least)] += 1
                show(done, 0, source.name)
        rows.append({"video": shown(source), **{name: counts[name] for name in _OUTCOMES}})
        total += counts
    say_notes(unreadable)
    say_rows(f"{total['written']:,} frames with masks in {out}", rows)
    return total


def _label(
    image: np.ndarray,
    name: str,
    pose: PosePredictor,
    silhouette: Silhouette,
    out: Path,
    least: float,
) -> str:
    poses = pose([image], [Path(name)])[0]
    if not len(poses.boxes):
        return "nobody"
    person = silhouette(image)
    ids = teach(poses, person)
    if agreement(ids, person) < least:
        return "disagree"
    write_mask(out / MASKS / f"{name}.png", ids)
    (out / IMAGES).mkdir(exist_ok=True)
    write_image(out / IMAGES / f"{name}.jpg", image)
    return "written"


def _find(paths: Sequence[Path]) -> list[Path]:
    found = []
    for path in paths:
        folder = path.is_dir()
        found += find_media(path, videos.SUFFIXES, kinds=("video",)).files if folder else [path]
    if not found:
        raise ValueError(f"There must be a video to label. Received: {', '.join(map(str, paths))}")
    names = Counter(path.stem for path in found)
    twice = [path for path in found if names[path.stem] > 1]
    if twice:
        raise ValueError(
            f"Frames are called like their video, and {twice[0]} and {twice[1]} have one name. "
            "Label them one after the other, into two folders."
        )
    return found
