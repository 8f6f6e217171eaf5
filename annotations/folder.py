"""A folder per class: `images/ACTIVITY/*.jpg` in, one `Sample` per picture out.

There are no joints in such a data set, so each Sample has no people. No picture is opened here.
`class_files` reads such a folder of any kind of file.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from annotations.activities import check_names, some
from annotations.images import SUFFIXES, find_files
from annotations.name_patterns import compile_named, named
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
    pattern = compile_named("group_pattern", group_pattern, "group")
    files = class_files(images, SUFFIXES, thing="picture", label="activity")
    return (
        _make_sample(path, activity, pattern) for activity, found in files.items() for path in found
    )


def class_files(
    root: Path, suffixes: Collection[str], *, thing: str, label: str
) -> dict[str, list[Path]]:
    """Finds the files of a folder that holds one sub-folder per class.

    Args:
        root: The folder.
        suffixes: What the names of the files end in, in lower case.
        thing: What they are, for the messages: "picture".
        label: What a class is: "activity".

    Returns:
        Name of the class -> its files, at any depth; both sorted.

    Raises:
        ValueError: no such folder, no sub-folders, an empty one, files beside them, or names that
            differ only in case.
    """
    folders = _class_folders(root, suffixes, thing=thing, label=label)
    files = {folder.name: find_files(folder, suffixes) for folder in folders}
    empty = [name for name, found in files.items() if not found]
    if empty:
        raise ValueError(
            f"{root}: every class folder must hold at least one {thing}. "
            f"Empty: {some(empty)}. Add {thing}s or delete the folder."
        )
    return files


def _class_folders(root: Path, suffixes: Collection[str], *, thing: str, label: str) -> list[Path]:
    if not root.is_dir():
        raise ValueError(f"{root}: there is no such folder. Give the one with the class folders.")
    inside = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    stray = [path.name for path in inside if path.is_file() and path.suffix.lower() in suffixes]
    if stray:
        raise ValueError(
            f"{root}: {thing}s must lie in a sub-folder named after their {label}. "
            f"Beside the sub-folders: {some(stray)}. Move them."
        )
    folders = [path for path in inside if path.is_dir()]
    if not folders:
        raise ValueError(
            f"{root}: must hold one sub-folder per {label}, with the {thing}s in it. "
            "It holds no sub-folder."
        )
    check_names(root, (folder.name for folder in folders))
    return folders


def _make_sample(path: Path, activity: str, pattern: re.Pattern[str] | None) -> Sample:
    boxes, keypoints, head_sizes = no_people(COCO17)
    return Sample(
        image=path,
        size=None,
        skeleton=COCO17,
        boxes=boxes,
        keypoints=keypoints,
        head_sizes=head_sizes,
        activity=activity,
        group=named(pattern, "group", path.name),
    )
