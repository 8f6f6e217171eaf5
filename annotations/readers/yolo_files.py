"""Where the pictures and labels of a YOLO pose data set are, and what its data.yaml means.

Follows ultralytics' rules: `path` (or the folder of data.yaml) is where `train`, `val` and `test`
start; each is a folder, a `.txt` list of pictures, or a list of those; the label of
`A/images/B/c.jpg` is `A/labels/B/c.txt`. The text lines themselves are `yolo_dataset`'s matter.
Source: ultralytics.data.utils.check_det_dataset, img2label_paths and BaseDataset.get_img_files.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose_activity.annotations.images import SUFFIXES, is_image
from pose_activity.annotations.media import find_media
from pose_activity.annotations.names import check_names
from pose_activity.annotations.readers.paths import image_path
from pose_activity.annotations.skeleton import COCO17, SKELETONS, Skeleton, custom_skeleton
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS
from pose_activity.artifacts import yaml_text
from pose_activity.artifacts.text import read_utf8

# Names and paths are taken as they are written: a class may be called no, 007 or ~.
_NAMES = ("names", "kpt_names", "path", *SPLITS, "validation")


@dataclass(frozen=True)
class Description:
    """What a data.yaml says.

    Attributes:
        skeleton: Names the joints.
        numbers: How many numbers a joint has: 2 (x, y) or 3 (x, y, v).
        names: Class names; a label's class is an index.
        pictures: (split, picture), in the order of splits and paths.
    """

    skeleton: Skeleton
    numbers: int
    names: tuple[str, ...]
    pictures: tuple[tuple[str, Path], ...]


def describe(data_yaml: Path, root: Path | None = None) -> Description:
    """Reads a data.yaml and lists the pictures.

    Args:
        data_yaml: The file.
        root: The data set's folder as it is here; None takes it from the file.

    Raises:
        ValueError: no such file, keys that are missing or wrong, or pictures that are not where
            the file says.
    """
    data = _load(data_yaml)
    joints, numbers = _shape(data_yaml, data)
    names = _class_names(data_yaml, data)
    places = {name: data.get(name) for name in SPLITS}
    places["val"] = places["val"] or data.get("validation")
    base = root or _base(data_yaml, data)
    pictures = [
        (split, picture)
        for split, place in places.items()
        if place
        for picture in _pictures(data_yaml, split, place, base, root is not None)
    ]
    skeleton = _skeleton(data_yaml, data, joints, names[0])
    return Description(skeleton, numbers, names, tuple(pictures))


def label_of(image: Path) -> Path:
    """Returns where a picture's label is: its last folder `images` is called `labels` there."""
    parts = list(image.parent.parts)
    for i in reversed(range(len(parts))):
        if parts[i] == "images":
            parts[i] = "labels"
            break
    return Path(*parts, image.name).with_suffix(".txt")


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file. Give the path of the set's data.yaml.")
    tree = yaml_text.load(path)
    data = yaml_text.values(tree)
    if isinstance(tree, dict):
        data |= {key: yaml_text.texts(tree[key]) for key in _NAMES if data.get(key) is not None}
    keys = ("train", "kpt_shape", "names")
    lacking = [key for key in keys if not isinstance(data, dict) or not data.get(key)]
    if isinstance(data, dict) and data.get("nc") and not data.get("names"):
        lacking.remove("names")
    if lacking:
        raise ValueError(
            f"{path}: the data.yaml of a YOLO pose data set has the keys train, val, kpt_shape and "
            f"names. Missing: {', '.join(lacking)}. Received: "
            f"{sorted(map(str, data)) if isinstance(data, dict) else data!r}"
        )
    return data


def _shape(path: Path, data: Mapping[str, Any]) -> tuple[int, int]:
    shape = data["kpt_shape"]
    whole = isinstance(shape, list) and all(type(n) is int for n in shape)
    if not whole or len(shape) != 2 or shape[0] < 1 or shape[1] not in (2, 3):
        raise ValueError(f"{path}: kpt_shape must be [joints, 2] or [joints, 3]. Received: {shape}")
    return shape[0], shape[1]


def _class_names(path: Path, data: Mapping[str, Any]) -> tuple[str, ...]:
    names = data.get("names") or _numbered(path, data["nc"])
    if isinstance(names, dict):
        if names.keys() != {*range(len(names))}:
            raise ValueError(f"{path}: names must be numbered from 0 on. Received: {names}")
        names = [names[i] for i in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        raise ValueError(f"{path}: names must be a list of texts, none empty. Received: {names}")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(
            f"{path}: each class must have a name of its own. Received twice: {preview(twice)}. "
            "Rename one, or give both one number."
        )
    if len(names) > 1:  # one alone is not an activity
        check_names(path, names)
    return tuple(names)


def _numbered(path: Path, count: Any) -> list[str]:
    if type(count) is not int or count < 1:
        raise ValueError(f"{path}: nc must be the number of classes. Received: {count!r}")
    return [f"class_{i}" for i in range(count)]


def _skeleton(path: Path, data: Mapping[str, Any], count: int, category: str) -> Skeleton:
    joints = data.get("kpt_names")
    if isinstance(joints, dict):
        joints = next(iter(joints.values()))
    flip = data.get("flip_idx") or None  # ultralytics, too, takes an empty list for none
    if flip is not None:
        _check_flip(path, flip, count)
    if joints is None and count == len(COCO17) and flip in (None, [*COCO17.flip_index]):
        return COCO17
    if joints is None:
        joints = [f"kpt_{i}" for i in range(count)]
    if not isinstance(joints, list) or len(joints) != count:
        raise ValueError(f"{path}: kpt_names must name {count} joints. Received: {joints}")
    pairs = flip and [(joints[i], joints[j]) for i, j in enumerate(flip) if i < j]
    found = custom_skeleton(category, joints, (), pairs)
    if found.name in SKELETONS and flip not in (None, [*found.flip_index]):
        raise ValueError(
            f"{path}: kpt_names are those of {found.name!r}, but flip_idx pairs other joints. "
            f"Received: {flip} instead of {[*found.flip_index]}"
        )
    return found


def _check_flip(path: Path, flip: Any, count: int) -> None:
    numbers = [*range(count)]
    if not isinstance(flip, list) or sorted(flip) != numbers or [flip[i] for i in flip] != numbers:
        raise ValueError(
            f"{path}: flip_idx must hold each of 0..{count - 1} once, and give every joint back "
            f"when applied twice. Received: {flip}"
        )


def _base(path: Path, data: Mapping[str, Any]) -> Path:
    given = data.get("path")
    if not given:
        return path.parent
    tried = [image_path(folder, str(given)) for folder in (path.parent, Path())]
    for folder in tried:
        if folder.is_dir():
            return folder
    # The set may have been moved together with its data.yaml; then `path` is of another machine.
    raise ValueError(
        f"{path}: the key `path` names a folder that is not here: {given}. Set data.images to the "
        "folder of the data set as it is here."
    )


def _pictures(
    path: Path, split: str, place: str | Sequence[str], base: Path, moved: bool
) -> list[Path]:
    places = [place] if isinstance(place, str) else [*place]
    found: list[Path] = []
    for item in places:
        where = _resolve(base, str(item), moved)
        if where is None or not where.exists():
            raise ValueError(
                f"{path}: the key `{split}` names a place that is not here: {item}"
                + (f" (looked for below {base})" if moved or not Path(item).is_absolute() else "")
                + ". Set data.images to the folder of the data set as it is here"
                + (", or delete the key, if the set came without it." if split == "test" else ".")
            )
        if where.is_dir():
            media = find_media(where, SUFFIXES, kinds=("picture",))
            found += [*media.files, *media.unread]  # The cleaner says what is not read.
        else:
            found += _listed(path, split, where, base, moved)
    if not found:
        raise ValueError(f"{path}: the key `{split}` leads to no picture. Received: {place}")
    return sorted(found)


def _listed(path: Path, split: str, listing: Path, base: Path, moved: bool) -> list[Path]:
    """Reads a `.txt` list of pictures; relative lines start at the list's folder."""
    if is_image(listing):
        return [listing]
    lines = read_utf8(listing).split("\n")
    names = [line.strip() for line in lines if line.strip()]
    found = []
    for name in names:
        beside = Path(os.path.normpath(image_path(listing.parent, name)))
        if moved and not beside.exists():
            beside = _resolve(base, name, moved) or beside
        found.append(beside)
    if found and not any(picture.exists() for picture in found):
        raise ValueError(
            f"{path}: the key `{split}` leads to the list {listing}, of whose {len(found)} "
            f"pictures none is here; the first: {names[0]}. Set data.images to the folder of the "
            "data set as it is here."
        )
    return found


def _resolve(base: Path, name: str, moved: bool) -> Path | None:
    """Returns the path that data.yaml means; None if there is none.

    In a set that was `moved`, an absolute place of another machine is looked for by its end:
    of /home/x/set/images/train, set/images/train, then images/train, then train.
    """
    if "\\" in name and not (base / name).exists():
        name = name.replace("\\", "/")  # written on Windows
    place = Path(name)
    direct = Path(os.path.normpath(base / place))
    if direct.exists() and not (moved and place.is_absolute()):
        return direct
    if name.startswith("../"):  # Roboflow's sets say ../train/images and mean train/images.
        return Path(os.path.normpath(base / name[3:]))
    if moved:
        parts = [part for part in place.parts if part not in (place.anchor, "..", ".")]
        ends = (base.joinpath(*parts[i:]) for i in range(len(parts)))
        return next((end for end in ends if end.exists()), None)
    return direct
