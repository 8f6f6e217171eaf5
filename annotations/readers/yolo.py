"""Samples to and from a YOLO pose data set on disk: the only file that knows YOLO's text lines.

    data.yaml                    splits, kpt_shape, flip_idx, names, kpt_names
    images/SPLIT/000007_name.jpg a copy of the picture: as it is, decoded, or squashed
    labels/SPLIT/000007_name.txt one person per line: class, box centre x y w h, K times x y v

Positions are fractions of the upright picture's size; v is 0 missing, 1 hidden, 2 visible, twice
our own. Pictures are never modified: ultralytics rewrites JPEGs that it thinks damaged in place,
and a link would lead to the user's own. The lines of others are read in
`annotations.readers.yolo_labels`. Source: docs.ultralytics.com/datasets/pose.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from pose_activity.annotations.images import ImageError, load_rgb, read_size, write_image
from pose_activity.annotations.readers.yolo_files import SPLITS, Description, describe, label_of
from pose_activity.annotations.readers.yolo_labels import read_labels
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Sample, no_people
from pose_activity.artifacts import atomic

_JPEG_QUALITY = 95
_COPIED = (".jpg", ".jpeg", ".png", ".bmp", ".webp")  # ultralytics reads these as we do.
_DECODED = ".png"  # What else a picture becomes.
_UNSAFE = re.compile(r"[^\w.-]")
_MOST_BYTES = 80  # of a picture's own name: ultralytics adds to it, and some disks take 143


def write_yolo(
    samples: Iterable[Sample],
    folder: Path,
    *,
    skeleton: Skeleton,
    resize: tuple[int, int] | None = None,
) -> Path:
    """Writes a data set.

    Args:
        samples: Each with a size, a split and a box around each person.
        folder: New or empty.
        skeleton: Of all samples.
        resize: (width, height): pictures are written as copies of that size, whatever their
            proportions; None copies them as they are.

    Returns:
        Path of data.yaml, which is written last.

    Raises:
        FileExistsError: `folder` is not empty.
        ValueError: a sample that YOLO cannot hold, or no picture for train or val.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(
            f"A YOLO data set goes into a new or empty folder. Received: {folder}"
        )
    used: dict[str, int] = {}
    for i, sample in enumerate(samples):
        lines = _lines(sample, skeleton)
        split = sample.split or ""
        name = f"{i:06d}_{_short(_UNSAFE.sub('_', sample.image.stem))}"
        suffix = sample.image.suffix.lower()
        suffix = suffix if suffix in _COPIED else _DECODED
        image = folder / "images" / split / f"{name}{suffix}"
        label = folder / "labels" / split / f"{name}.txt"
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        if resize is not None:
            _write_resized(sample.image, image.with_suffix(".jpg"), resize)
        elif suffix == _DECODED:
            write_image(image, load_rgb(sample.image))
        else:
            shutil.copyfile(sample.image, image)
        label.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        used[split] = used.get(split, 0) + 1
    if not {"train", "val"} <= used.keys():
        raise ValueError(f"YOLO training needs pictures for train and val. Received: {used}")
    atomic.write_text(folder / "data.yaml", yaml.safe_dump(_description(skeleton, used)))
    return folder / "data.yaml"


def read_yolo(
    data_yaml: Path, root: Path | None = None, *, on_note: Callable[[str], None] | None = None
) -> Iterator[Sample]:
    """Reads a data set, also one that was not made here.

    Where there are several class names, they are the persons' activities, and the picture's where
    all its people share one; a single class name ("person") is not an activity. A picture without a
    label file has no people. Without `kpt_names`, 17 joints are COCO's, and others are called
    kpt_0, kpt_1, ... with `flip_idx`' pairs and no bones.

    Args:
        data_yaml: As ultralytics reads it; see `annotations.readers.yolo_files`.
        root: The data set's folder as it is here, where data.yaml's own paths do not hold.
        on_note: Called with a note on how many label files hold predictions, not labels.

    Returns:
        Samples in the order of splits and paths. What YOLO does not hold is unknown: head sizes 0,
        no group. A picture that cannot be read has no size and no people.

    Raises:
        ValueError: a wrong data.yaml, pictures that are not there, no label file at all, or lines
            that are not persons: all files with such lines are named, the first ten in full.
    """
    found = describe(data_yaml, root)
    labels = [label_of(image) for _, image in found.pictures]
    if labels and not any(label.is_file() for label in labels):
        raise ValueError(
            f"{data_yaml}: no picture has a label file. The first was looked for at {labels[0]}: "
            "pictures are below a folder `images`, labels below `labels` beside it."
        )
    tables = read_labels(data_yaml, labels, found, on_note)
    return (
        _read_sample(image, table, found, split)
        for (split, image), table in zip(found.pictures, tables, strict=True)
    )


def files_of(data_yaml: Path, root: Path | None = None) -> list[Path]:
    """Returns every picture and every label file of a data set; raises as `read_yolo`."""
    pictures = [image for _, image in describe(data_yaml, root).pictures]
    labels = (label_of(image) for image in pictures)
    return [*pictures, *(label for label in labels if label.is_file())]


def flip_index(skeleton: Skeleton) -> list[int]:
    """Returns YOLO's flip_idx.

    Raises:
        ValueError: applied twice it does not give every joint back.
    """
    flip = list(skeleton.flip_index)
    if [flip[i] for i in flip] != list(range(len(skeleton))):
        raise ValueError(
            f"Mirroring skeleton {skeleton.name!r} twice must give every joint back: each joint "
            f"belongs to one pair at most. Received: {flip}"
        )
    return flip


def _description(skeleton: Skeleton, used: dict[str, int]) -> dict[str, Any]:
    return {
        # Without a key `path`, ultralytics starts at this file's folder: the set can be moved.
        **{split: f"images/{split}" for split in SPLITS if split in used},
        "kpt_shape": [len(skeleton), 3],
        # Without it, ultralytics does not mirror pictures: right for joints of unknown sides.
        **({"flip_idx": flip_index(skeleton)} if skeleton.pairs else {}),
        "names": {0: "person"},
        "kpt_names": {0: list(skeleton.joints)},
    }


def _lines(sample: Sample, skeleton: Skeleton) -> list[str]:
    size, boxes, points = sample.size, sample.boxes, sample.keypoints
    if sample.skeleton != skeleton or size is None or sample.split not in SPLITS:
        raise ValueError(
            f"{sample.image}: YOLO needs a known size, a split of {SPLITS} and the skeleton "
            f"{skeleton.name!r}. Received: {size}, {sample.split!r}, {sample.skeleton.name!r}"
        )
    corners = np.concatenate([boxes.reshape(-1, 2), points[..., :2].reshape(-1, 2)])
    if (corners < 0).any() or (corners > size).any() or (boxes[:, 2:] <= boxes[:, :2]).any():
        raise ValueError(
            f"{sample.image}: boxes must have an area, and boxes and joints be in the picture of "
            f"{size[0]}x{size[1]}. Clean the samples first. Received: {boxes.tolist()}"
        )
    if not np.isin(points[..., 2], (0, 0.5, 1)).all():
        raise ValueError(
            f"{sample.image}: a label's v is 0, 0.5 or 1. Received: {np.unique(points[..., 2])}"
        )
    middles, extents = (
        (boxes[:, :2] + boxes[:, 2:]) / 2 / size,
        (boxes[:, 2:] - boxes[:, :2]) / size,
    )
    joints = points / np.array([*size, 0.5])
    return [
        " ".join(
            ["0", *(f"{value:.6f}" for value in (*middle, *extent))]
            + [f"{x:.6f} {y:.6f} {v:.0f}" for x, y, v in person]
        )
        for middle, extent, person in zip(middles, extents, joints, strict=True)
    ]


def _read_sample(image: Path, table: np.ndarray, found: Description, split: str) -> Sample:
    skeleton = found.skeleton
    boxes, points, heads = no_people(skeleton)
    try:
        size = read_size(image)
    except ImageError:  # The cleaner reports it.
        size, table = None, table[:0]
    if size is not None and len(table):
        middle, extent = table[:, 1:3] * size, table[:, 3:5] * size
        boxes = np.concatenate([middle - extent / 2, middle + extent / 2], axis=1)
        points = table[:, 5:].reshape(len(table), len(skeleton), 3) * (*size, 0.5)
        heads = np.zeros(len(table), np.float32)
    names = tuple(found.names[int(row[0])] for row in table)
    activities = names if len(found.names) > 1 else None
    return Sample(
        image,
        size,
        skeleton,
        boxes.astype(np.float32),
        points.astype(np.float32),
        heads,
        activity=names[0] if activities and len({*names}) == 1 else None,
        split=split,
        activities=activities,
    )


def _short(name: str) -> str:
    """Cuts a name between two of its characters."""
    return name.encode()[:_MOST_BYTES].decode(errors="ignore")


def _write_resized(source: Path, target: Path, size_wh: tuple[int, int]) -> None:
    small = cv2.resize(load_rgb(source), size_wh, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise ValueError(f"{source}: cannot be written as a JPEG of {size_wh}")
    target.write_bytes(data.tobytes())
