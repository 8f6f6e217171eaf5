"""A folder per class: `images/ACTIVITY/*.jpg` in, one `Sample` per picture out.

There are no joints in such a data set, so each Sample has no people. No picture is opened here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from annotations.activities import check_names, some
from annotations.images import find_images, is_image
from annotations.skeleton import COCO17
from annotations.types import Sample, no_people


def read_folder(images: Path, *, group_pattern: str | None = None) -> Iterator[Sample]:
    r"""Reads a folder whose sub-folders are the activities.

    Pictures may lie deeper inside a class folder. Hidden folders, and files that are not named like
    pictures, are passed over.

    Args:
        images: The folder that holds one sub-folder per activity.
        group_pattern: Regular expression with a named group `group`, searched in each file name;
            pictures with the same text there stay on one side of a split. Example: names
            `v_walk_g03_c01.jpg` and the pattern `_(?P<group>g\d+)_`. A name that does not match
            is a group of its own.

    Returns:
        COCO17 Samples without people, sorted by path; `size` and `split` are None.

    Raises:
        ValueError: no such folder, no class folders, an empty one, pictures beside the class
            folders, class names that differ only in case, or a bad `group_pattern`.
    """
    pattern = _compile(group_pattern)
    files = {folder: find_images(folder) for folder in _class_folders(images)}
    empty = [folder.name for folder, found in files.items() if not found]
    if empty:
        raise ValueError(
            f"{images}: every class folder must hold at least one picture. "
            f"Empty: {some(empty)}. Add pictures or delete the folder."
        )
    return (
        _make_sample(path, folder.name, pattern)
        for folder, found in files.items()
        for path in found
    )


def _class_folders(images: Path) -> list[Path]:
    if not images.is_dir():
        raise ValueError(f"{images}: there is no such folder. Give the one with the class folders.")
    inside = sorted(path for path in images.iterdir() if not path.name.startswith("."))
    stray = [path.name for path in inside if path.is_file() and is_image(path)]
    if stray:
        raise ValueError(
            f"{images}: pictures must lie in a sub-folder named after their activity. "
            f"Beside the sub-folders: {some(stray)}. Move them."
        )
    folders = [path for path in inside if path.is_dir()]
    if not folders:
        raise ValueError(
            f"{images}: must hold one sub-folder per activity, with the pictures in it. "
            "It holds no sub-folder."
        )
    check_names(images, (folder.name for folder in folders))
    return folders


def _compile(group_pattern: str | None) -> re.Pattern[str] | None:
    if group_pattern is None:
        return None
    try:
        pattern = re.compile(group_pattern)
    except re.error as error:
        raise ValueError(
            f"group_pattern must be a regular expression ({error}). Received: {group_pattern!r}"
        ) from None
    if "group" not in pattern.groupindex:
        raise ValueError(
            "group_pattern must have a group named 'group', as in '_(?P<group>g[0-9]+)_'. "
            f"Received: {group_pattern!r}"
        )
    return pattern


def _make_sample(path: Path, activity: str, pattern: re.Pattern[str] | None) -> Sample:
    boxes, keypoints, head_sizes = no_people(COCO17)
    match = pattern.search(path.name) if pattern else None
    return Sample(
        image=path,
        size=None,
        skeleton=COCO17,
        boxes=boxes,
        keypoints=keypoints,
        head_sizes=head_sizes,
        activity=activity,
        group=match["group"] if match else None,
    )
