"""Samples and rejections as files: JSON lines (exact both ways) and CSV.

One line of JSON per Sample: image, size, skeleton, boxes, keypoints, head_sizes, activity, group,
split, activities. Image paths are stored as they are given.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations import sample_lines
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Rejection, Sample
from pose_activity.artifacts import csv_text
from pose_activity.artifacts.atomic import replacing
from pose_activity.artifacts.names import shown


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Writes samples as JSON lines to `path`, whole or not at all."""
    sample_lines.write(path, samples, _to_json)


def read_samples(path: Path) -> list[Sample]:
    """Reads what `write_samples` wrote; every number comes back bit for bit.

    Raises:
        ValueError: the file is missing, or a line is not a Sample.
    """
    return sample_lines.read(path, _from_json)


def digest_of_roles(path: Path, splits: Collection[str | None]) -> str:
    """Returns the sha256 of the lines of a file of samples that have one of these splits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for line in file:
            if line.strip() and json.loads(line)["split"] in splits:
                found.update(line)
    return found.hexdigest()


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> None:
    r"""Writes a CSV with the columns image, rule, detail to `path`, whole or not at all.

    A file name that is not UTF-8 has its bytes spelled out, `caf\xe9.jpg`.
    """
    with replacing(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv_text.Writer(file)
            writer.writerow(("image", "rule", "detail"))
            writer.writerows((shown(r.image), r.rule, shown(r.detail)) for r in rejections)


def count_rejections(path: Path) -> int:
    """Returns how many rejections `write_rejections` wrote to `path`."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return sum(1 for _ in csv_text.read(file)) - 1


def _to_json(sample: Sample) -> dict[str, Any]:
    return {
        "image": str(sample.image),
        "size": sample.size,
        "skeleton": sample.skeleton.as_json(),
        "boxes": sample.boxes.tolist(),
        "keypoints": sample.keypoints.tolist(),
        "head_sizes": sample.head_sizes.tolist(),
        "activity": sample.activity,
        "group": sample.group,
        "split": sample.split,
        "activities": sample.activities,
    }


def _from_json(value: dict[str, Any]) -> Sample:
    skeleton = Skeleton.from_json(value["skeleton"])
    return Sample(
        image=Path(value["image"]),
        size=None if value["size"] is None else (int(value["size"][0]), int(value["size"][1])),
        skeleton=skeleton,
        boxes=np.array(value["boxes"], np.float32).reshape(-1, 4),
        keypoints=np.array(value["keypoints"], np.float32).reshape(-1, len(skeleton), 3),
        head_sizes=np.array(value["head_sizes"], np.float32),
        activity=value["activity"],
        group=value["group"],
        split=value["split"],
        # Absent from files that older versions wrote.
        activities=tuple(value.get("activities") or ()) or None,
    )
