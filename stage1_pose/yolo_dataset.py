"""Samples to and from a YOLO pose data set on disk: the only file that knows YOLO's text lines.

    data.yaml                    splits, kpt_shape, flip_idx, names, kpt_names
    images/SPLIT/000007_name.jpg a link to the picture, or a squashed copy
    labels/SPLIT/000007_name.txt one person a line: class, box centre x y w h, K times x y v

Positions are fractions of the upright picture's size; v is 0 missing, 1 hidden, 2 visible, twice
our own. Pictures are never modified. Source: docs.ultralytics.com/datasets/pose.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from annotations.images import load_rgb, read_size
from annotations.skeleton import SKELETONS, Skeleton
from annotations.types import Sample, no_people
from artifacts import atomic

SPLITS = ("train", "val", "test")
_JPEG_QUALITY = 95
_UNSAFE = re.compile(r"[^\w.-]")


def write_yolo(
    samples: Iterable[Sample],
    folder: Path,
    *,
    skeleton: Skeleton,
    squash: tuple[int, int] | None = None,
) -> Path:
    """Writes a data set.

    Args:
        samples: Each with a size, a split and a box around each person.
        folder: New or empty.
        skeleton: Of all samples.
        squash: (width, height): pictures are written as copies of that size, whatever their
            proportions; None links them as they are.

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
        name = f"{i:06d}_{_UNSAFE.sub('_', sample.image.stem)}"
        image = folder / "images" / split / f"{name}{sample.image.suffix.lower()}"
        label = folder / "labels" / split / f"{name}.txt"
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        if squash is None:
            _link(sample.image, image)
        else:
            _write_squashed(sample.image, image.with_suffix(".jpg"), squash)
        label.write_text("".join(f"{line}\n" for line in lines))
        used[split] = used.get(split, 0) + 1
    if not {"train", "val"} <= used.keys():
        raise ValueError(f"YOLO training needs pictures for train and val. Received: {used}")
    atomic.write_text(folder / "data.yaml", yaml.safe_dump(_description(skeleton, used)))
    return folder / "data.yaml"


def read_yolo(data_yaml: Path) -> Iterator[Sample]:
    """Reads a data set back.

    Args:
        data_yaml: As `write_yolo` makes it.

    Yields:
        Samples in the order of splits and names. What YOLO does not hold is unknown: head sizes
        0, no activity, no group.

    Raises:
        ValueError: not such a file, an unknown skeleton, or a line that is no person.
    """
    data = yaml.safe_load(data_yaml.read_text())
    skeleton = _find_skeleton(data_yaml, data)
    for split in SPLITS:
        if split not in data:
            continue
        for image in sorted((data_yaml.parent / data[split]).iterdir()):
            label = data_yaml.parent / "labels" / split / f"{image.stem}.txt"
            yield _read_sample(image, label, skeleton, split)


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
        "flip_idx": flip_index(skeleton),
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
            f"{sample.image}: boxes must have an area, and boxes and joints lie in the picture of "
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


def _find_skeleton(data_yaml: Path, data: Any) -> Skeleton:
    try:
        joints, shape = tuple(data["kpt_names"][0]), data["kpt_shape"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{data_yaml} is not a data set of write_yolo ({error!r})") from None
    for skeleton in SKELETONS.values():
        if skeleton.joints == joints and shape == [len(skeleton), 3]:
            return skeleton
    raise ValueError(f"{data_yaml}: no known skeleton ({list(SKELETONS)}) has the joints {joints}")


def _read_sample(image: Path, label: Path, skeleton: Skeleton, split: str) -> Sample:
    size = read_size(image)
    width = 5 + 3 * len(skeleton)
    rows = [line.split() for line in label.read_text().splitlines()]
    if any(len(row) != width for row in rows):
        raise ValueError(f"{label}: a line holds {width} numbers. Received: {list(map(len, rows))}")
    boxes, points, heads = no_people(skeleton)
    if rows:
        table = np.array(rows, np.float64)
        middle, extent = table[:, 1:3] * size, table[:, 3:5] * size
        boxes = np.concatenate([middle - extent / 2, middle + extent / 2], axis=1)
        points = table[:, 5:].reshape(len(rows), len(skeleton), 3) * (*size, 0.5)
        heads = np.zeros(len(rows), np.float32)
    return Sample(
        image,
        size,
        skeleton,
        boxes.astype(np.float32),
        points.astype(np.float32),
        heads,
        split=split,
    )


def _link(source: Path, target: Path) -> None:
    source = source.resolve()
    for make in (os.link, os.symlink, shutil.copyfile):
        try:
            make(source, target)
            return
        except OSError as error:  # another disk, or a file system without links
            failure = error
    raise failure


def _write_squashed(source: Path, target: Path, size_wh: tuple[int, int]) -> None:
    small = cv2.resize(load_rgb(source), size_wh, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise ValueError(f"{source}: cannot be written as a JPEG of {size_wh}")
    target.write_bytes(data.tobytes())
