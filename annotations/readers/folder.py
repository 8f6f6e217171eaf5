"""A folder per class: `images/ACTIVITY/*.jpg` in, one `Sample` per picture out.

Where the folders at the top are called like splits, `images/train/ACTIVITY/*.jpg`, they are the
splits. There are no joints in such a data set, so each Sample has no people. No picture is opened
here. `class_files` reads such a folder of any kind of file.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pose_activity.annotations.images import SUFFIXES
from pose_activity.annotations.media import describe_unread, find_media, kind_of
from pose_activity.annotations.names import check_names
from pose_activity.annotations.readers.name_patterns import compile_pattern, find_part
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS, Sample, no_people

_SPLIT = re.compile(
    r"\s*(?:(?P<train>train(?:ing)?)|(?P<val>val|valid|validation|dev)|(?P<test>test(?:ing)?))"
    r"(?:[ _-]?(?:sets?|data|split|images?|photos?|pictures?|videos?|clips?))?\s*",
    re.IGNORECASE,
)


Note = Callable[[str], None]
Unread = Callable[[Sequence[Path]], None]


@dataclass(frozen=True)
class Found:
    """A file in a folder per class.

    Attributes:
        path: The file.
        label: Its class.
        split: "train", "val" or "test" if it is in a folder of that split; else None.
    """

    path: Path
    label: str
    split: str | None


@dataclass(frozen=True)
class _Kind:
    """What is looked for: the endings of the files, and words for the messages."""

    suffixes: Collection[str]
    thing: str
    label: str


def read_folder(
    images: Path,
    *,
    group_pattern: str | None = None,
    on_note: Note | None = None,
    on_unread: Unread = lambda paths: None,
) -> Iterator[Sample]:
    r"""Reads a folder whose sub-folders are the activities, or the splits with these in them.

    Pictures may be deeper inside a class folder. Hidden folders, files that are not pictures, and
    what this project drew are passed over.

    Args:
        images: The folder that holds one sub-folder per activity, or `train`, `val` and `test`
            with one sub-folder per activity in each.
        group_pattern: Regular expression with a named group `group`, searched in each file name;
            pictures with the same text there stay on one side of a split. Example: names
            `v_walk_g03_c01.jpg` and the pattern `_(?P<group>g\d+)_`. A name that does not match
            is a group of its own.
        on_note: Called with a note on where folders are taken for splits.
        on_unread: Called with the pictures of a kind that is not read.

    Returns:
        COCO17 Samples without people, sorted by split and path; `size` is None, and so is `split`
        where no folder says it.

    Raises:
        ValueError: what `class_files` refuses, or a bad `group_pattern`.
    """
    pattern = compile_pattern("group_pattern", group_pattern, "group")
    files = class_files(
        images,
        SUFFIXES,
        thing="picture",
        label="activity",
        on_note=on_note,
        on_unread=on_unread,
    )
    return (_make_sample(found, pattern) for found in files)


def class_files(
    root: Path,
    suffixes: Collection[str],
    *,
    thing: str,
    label: str,
    on_note: Note | None = None,
    on_unread: Unread = lambda paths: None,
) -> list[Found]:
    """Finds the files of a folder that holds one sub-folder per class.

    Where all sub-folders are called like splits (train, training, val, valid, validation, dev,
    test, testing, in any case, also with an ending such as "set") and hold folders, they are the
    splits, and the folders in them the classes.

    Args:
        root: The folder.
        suffixes: What the names of the files end in, in lower case.
        thing: What they are.
        label: What a class is: "activity".
        on_note: Called with a note on where folders are taken for splits.
        on_unread: Called with the files that are such things too, but end in something else.

    Returns:
        The files, at any depth inside their class, sorted by split, class and path.

    Raises:
        ValueError: no such folder, no sub-folders, an empty class, files beside them, folders of
            splits without classes or beside other folders, two folders of one split, or names of
            classes that `check_names` refuses.
    """
    kind = _Kind(suffixes, thing, label)
    folders = _sub_folders(root, kind)
    splits = _split_folders(root, folders, kind)
    if splits and on_note:
        names = ", ".join(f"{folder.name} ({split})" for split, folder in splits.items())
        on_note(f"{root}: its folders are taken for the splits: {names}.")
    levels = {split: _sub_folders(folder, kind) for split, folder in splits.items()}
    media = {
        (split, folder.name): find_media(folder, suffixes, kinds=(thing,))
        for split, classes in (levels or {None: folders}).items()
        for folder in classes
    }
    # A folder with drawings alone is not a class.
    drawn = {key for key, found in media.items() if found.drawings and not found.files}
    files = {key: media[key].files for key in media if key not in drawn or media[key].unread}
    unread = [path for found in media.values() for path in found.unread]
    beside = [path for folder in (root, *splits.values()) for path in _visible(folder)]
    on_unread([*(p for p in beside if p.is_file() and kind_of(p) == thing), *unread])
    check_names(root, (name for _, name in files))
    # A class that one split lacks may have an empty folder there.
    empty = {name for _, name in files} - {name for (_, name), found in files.items() if found}
    if empty:
        raise ValueError(
            f"{root}: every class folder must hold at least one {thing}. "
            f"Empty: {preview(sorted(empty))}. Add {thing}s or delete the folder."
            + (f" {describe_unread(unread)}" if unread else "")
        )
    return [Found(path, name, split) for (split, name), paths in files.items() for path in paths]


def _sub_folders(root: Path, kind: _Kind) -> list[Path]:
    """Returns the folders in a folder that must hold no files of the kind itself."""
    if not root.is_dir():
        raise ValueError(f"{root}: there is no such folder. Give the one with the class folders.")
    inside = _visible(root)
    stray = [path.name for path in inside if _is_of(path, kind)]
    if stray:
        raise ValueError(
            f"{root}: {kind.thing}s must be in a sub-folder named after their {kind.label}. "
            f"Beside the sub-folders: {preview(stray)}. Move them."
        )
    folders = [path for path in inside if path.is_dir()]
    if not folders:
        raise ValueError(
            f"{root}: must hold one sub-folder per {kind.label}, with the {kind.thing}s in it. "
            "It holds no sub-folder."
        )
    return folders


def _split_folders(root: Path, folders: Sequence[Path], kind: _Kind) -> dict[str, Path]:
    """Returns split -> its folder, in the order of the splits; empty if they are classes."""
    like = [(match.lastgroup or "", path) for path in folders if (match := _match(path))]
    splits = {split: path for name in SPLITS for split, path in like if split == name}
    full = [path.name for _, path in like if _holds_folders(path)]
    others = [path.name for path in folders if not _match(path)]
    if not like or (others and len(full) < 2):
        return {}
    names = preview([path.name for _, path in like])
    choice = f"Rename them if they are {kind.label} folders."
    if others:
        raise ValueError(
            f"{root}: a folder must hold either splits or one sub-folder per {kind.label}. "
            f"Received: {names}, which hold folders and are called like splits, beside "
            f"{preview(others)}. Move these away. {choice}"
        )
    flat = [path.name for _, path in like if path.name not in full]
    if flat:
        raise ValueError(
            f"{root}: its folders are called like splits ({names}), and a split must hold one "
            f"sub-folder per {kind.label}. Without sub-folders: {preview(flat)}. Sort their "
            f"{kind.thing}s into such folders, or move them away. {choice}"
        )
    if len(splits) < len(like):
        raise ValueError(
            f"{root}: each split must have one folder. Received: {names}. Merge those that mean "
            "the same split."
        )
    return splits


def _match(folder: Path) -> re.Match[str] | None:
    return _SPLIT.fullmatch(folder.name)


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_of(path: Path, kind: _Kind) -> bool:
    return path.is_file() and path.suffix.lower() in kind.suffixes


def _holds_folders(folder: Path) -> bool:
    return any(path.is_dir() for path in _visible(folder))


def _make_sample(found: Found, pattern: re.Pattern[str] | None) -> Sample:
    boxes, keypoints, head_sizes = no_people(COCO17)
    return Sample(
        image=found.path,
        size=None,
        skeleton=COCO17,
        boxes=boxes,
        keypoints=keypoints,
        head_sizes=head_sizes,
        activity=found.label,
        group=find_part(pattern, "group", found.path.name),
        split=found.split,
    )
