"""COCO keypoint JSON to and from Samples, with any skeleton.

A file holds `images`, `annotations` and `categories`. Beside COCO's own keys these are read and
written: of an image `activity`, `group` and `split`, of an annotation `activity` and `head_size`
(pixels), of a category `pairs` (left/right joints, numbered from 1 like `skeleton`). COCO's v of 0
missing, 1 hidden, 2 visible is twice our own. No picture is opened.

Source: cocodataset.org/#format-data, "Keypoint Detection".
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.names import check_names
from pose_activity.annotations.readers.coco_entries import (
    Mistakes,
    People,
    Person,
    numbers,
    read_categories,
    text,
)
from pose_activity.annotations.readers.paths import image_path
from pose_activity.annotations.skeleton import Skeleton, category_of
from pose_activity.annotations.types import SPLITS, Sample
from pose_activity.artifacts.atomic import write_text
from pose_activity.artifacts.text import read_utf8


def read_coco(
    annotations: Path, images: Path, *, on_note: Callable[[str], None] | None = None
) -> Iterator[Sample]:
    """Reads a file.

    A person whose annotation has no joints (no `keypoints`, or each with v = 0) is kept with its
    box and all joints missing. Crowds (`iscrowd: 1`) and annotations of categories without joints
    are left out. Where several categories have joints, their names are the persons' activities,
    unless the annotations name them. An image without the key `activity` has that of its people if
    all have the same one.

    Args:
        annotations: The JSON file.
        images: Folder that its `file_name`s start at; see `annotations.readers.paths` for
            backslashes.
        on_note: Called with a sentence about each kind of thing that was left out or guessed.

    Returns:
        A Sample per image, in the file's order. `size` is the file's width and height; boxes are
        all zero if there is no `bbox` or it has no area; numbers are as in the file otherwise,
        also outside the picture.

    Raises:
        ValueError: no such file, no such format, or wrong values: all are listed, the first ten in
            full.
    """
    report = on_note or (lambda note: None)
    content = _load(annotations)
    mistakes = Mistakes(annotations)
    skeleton, category_names = read_categories(content["categories"], mistakes, report)
    reader = People(
        skeleton,
        category_names,
        categories={entry["id"] for entry in content["categories"]},
        images={i for entry in content["images"] if isinstance(i := entry.get("id"), int | str)},
        mistakes=mistakes,
    )
    people: dict[Any, list[Person]] = defaultdict(list)
    for number, entry in enumerate(content["annotations"]):
        person = reader.read(f"annotations[{number}]", entry)
        if person:
            people[person.image].append(person)
    samples = _read_images(content["images"], images, skeleton, people, mistakes)
    mistakes.raise_any()
    check_names(
        annotations, (name for s in samples for name in (s.activity, *(s.activities or ())))
    )
    for note in reader.notes():
        report(note)
    return iter(samples)


def write_coco(path: Path, samples: Sequence[Sample], *, root: Path | None = None) -> None:
    """Writes samples so that `read_coco` gives the same ones back, number by number.

    Args:
        path: The JSON file; replaced whole or not at all.
        samples: Of one skeleton, with v of 0, 0.5 or 1.
        root: `file_name`s below this folder are written relative to it.

    Raises:
        ValueError: samples of two skeletons, or another v.
    """
    skeletons = {sample.skeleton for sample in samples}
    if len(skeletons) > 1:
        names = sorted(skeleton.name for skeleton in skeletons)
        raise ValueError(f"{path}: a COCO file has one skeleton. Received: {names}")
    entries = [
        person
        for number, sample in enumerate(samples, 1)
        for person in _person_entries(sample, number)
    ]
    images = [_image_entry(sample, i, root) for i, sample in enumerate(samples, 1)]
    write_entries(path, images, entries, skeletons)


def write_entries(
    path: Path,
    images: Iterable[Mapping[str, Any]],
    people: Iterable[Mapping[str, Any]],
    skeletons: Iterable[Skeleton],
) -> None:
    """Writes a COCO file, whole or not at all.

    Args:
        path: The JSON file.
        images: Entries.
        people: Annotations; they are numbered from 1.
        skeletons: One, which becomes the category 1; none without images.
    """
    content = {
        "images": list(images),
        "annotations": [{"id": i, **entry} for i, entry in enumerate(people, 1)],
        "categories": [_category_entry(skeleton) for skeleton in skeletons],
    }
    # ASCII with escapes also carries file names that are not valid Unicode.
    lines = (f'"{key}": [\n{_lines(value)}\n]' for key, value in content.items())
    write_text(path, "{" + ",\n".join(lines) + "}\n")


def _load(path: Path) -> dict[str, list[dict[str, Any]]]:
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file. Give the path of a COCO JSON file.")
    text = read_utf8(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a JSON file, or a damaged one ({error}).") from None
    keys = ("images", "annotations", "categories")
    if not isinstance(content, dict):
        content = {}
    lacking = [key for key in keys if not isinstance(content.get(key), list)]
    if lacking:
        raise ValueError(
            f"{path}: a COCO file holds lists called {', '.join(keys)}. Missing: "
            f"{', '.join(lacking)}. Received: {sorted(content)}"
        )
    wrong = [
        f"{key}[{i}]" for key in keys for i, e in enumerate(content[key]) if not isinstance(e, dict)
    ]
    if wrong:
        raise ValueError(f"{path}: entries must be objects with keys. Received others: {wrong[:5]}")
    return content


def _read_images(
    entries: Sequence[Mapping[str, Any]],
    folder: Path,
    skeleton: Skeleton,
    people: Mapping[Any, list[Person]],
    mistakes: Mistakes,
) -> list[Sample]:
    samples = []
    for key in ("id", "file_name"):
        counts = Counter(repr(entry[key]) for entry in entries if key in entry)
        for value, count in counts.items():
            if count > 1:
                mistakes.add("images", f"the {key} {value} comes {count} times")
    for number, entry in enumerate(entries):
        lacking = [key for key in ("id", "file_name") if not isinstance(entry.get(key), int | str)]
        if lacking:
            mistakes.add(f"images[{number}]", f"missing keys: {', '.join(lacking)}")
            continue
        try:
            samples.append(_make_sample(entry, folder, skeleton, people.get(entry["id"], [])))
        except (TypeError, ValueError) as error:
            mistakes.add(f"images[{number}]", str(error))
    return samples


def _make_sample(
    entry: Mapping[str, Any], folder: Path, skeleton: Skeleton, people: Sequence[Person]
) -> Sample:
    split, group = entry.get("split"), entry.get("group")
    if split not in (*SPLITS, None):
        raise ValueError(f"`split` must be one of {SPLITS}. Received: {split!r}")
    size = None
    if entry.get("width") and entry.get("height"):
        width, height = numbers("width, height", [entry["width"], entry["height"]], 2)
        size = (round(width), round(height))
    activities = tuple(p.activity for p in people) if any(p.has_activity for p in people) else None
    activity = text("activity", entry.get("activity"))
    if "activity" not in entry and activities and len({*activities}) == 1:
        activity = activities[0]
    return Sample(
        image=image_path(folder, str(entry["file_name"])),
        size=size,
        skeleton=skeleton,
        boxes=np.array([p.box for p in people], np.float32).reshape(-1, 4),
        keypoints=np.array([p.keypoints for p in people], np.float32).reshape(-1, len(skeleton), 3),
        head_sizes=np.array([p.head_size for p in people], np.float32),
        activity=activity,
        group=None if group is None else str(group),
        split=split,
        activities=activities,
    )


def _image_entry(sample: Sample, number: int, root: Path | None) -> dict[str, Any]:
    inside = root is not None and sample.image.is_relative_to(root)
    name = sample.image.relative_to(root) if root is not None and inside else sample.image
    size = {} if sample.size is None else {"width": sample.size[0], "height": sample.size[1]}
    return {
        "id": number,
        "file_name": name.as_posix(),
        **size,
        "activity": sample.activity,
        "group": sample.group,
        "split": sample.split,
    }


def _person_entries(sample: Sample, image_id: int) -> Iterator[dict[str, Any]]:
    if not np.isin(sample.keypoints[..., 2], (0, 0.5, 1)).all():
        raise ValueError(
            f"{sample.image}: a label's v is 0, 0.5 or 1. "
            f"Received: {np.unique(sample.keypoints[..., 2])}"
        )
    boxes, heads = _exact(sample.boxes), _exact(sample.head_sizes)
    points = _exact(sample.keypoints * np.array([1, 1, 2], np.float32))
    for person, (x1, y1, x2, y2) in enumerate(boxes):
        joints = points[person]
        entry = {
            "image_id": image_id,
            "category_id": 1,
            "iscrowd": 0,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "num_keypoints": sum(v > 0 for _, _, v in joints),
            "keypoints": [n for x, y, v in joints for n in (x, y, int(v))],
        }
        if heads[person]:
            entry["head_size"] = heads[person]
        if sample.activities is not None:
            entry["activity"] = sample.activities[person]
        yield entry


def _category_entry(skeleton: Skeleton) -> dict[str, Any]:
    number = {joint: i for i, joint in enumerate(skeleton.joints, 1)}
    return {
        "id": 1,
        "name": category_of(skeleton),
        "supercategory": category_of(skeleton),
        "keypoints": list(skeleton.joints),
        "skeleton": [[number[a], number[b]] for a, b in skeleton.bones],
        "pairs": [[number[a], number[b]] for a, b in skeleton.pairs],
    }


def _exact(array: np.ndarray) -> Any:
    """Returns nested lists of the shortest decimals that come back as the same float32."""
    return array.astype(str).astype(np.float64).tolist()


def _lines(entries: Sequence[Mapping[str, Any]]) -> str:
    return ",\n".join(json.dumps(entry, allow_nan=False) for entry in entries)
