"""`poses.parquet`: stage 1's poses per picture, written once, before any plane is drawn.

Another recipe, a report's picture or an ablation reads it and never runs stage 1 again. A row is
found by the sha256 of the picture's bytes, so a moved or renamed picture keeps its poses and a
changed one does not. The graph that found them and its settings are in the file's metadata; poses
of another graph are not read.

What is held of a picture is its poses, once: some 1.7 kB where they are two people's.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Poses
from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.progress import ProgressCallback

FILE = "poses.parquet"
# Pictures that a kill can cost: so many, or this share of what is known. The whole file is written
# each time, so that a fixed number would take time that grows with the square of all pictures.
SAVE_EVERY, SAVE_SHARE = 500, 0.1
_SOURCE = b"source"
_FLOATS = pa.list_(pa.float32())
_SCHEMA = pa.schema(
    [
        ("sha256", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("skeleton", pa.string()),
        ("boxes", _FLOATS),
        ("scores", _FLOATS),
        ("keypoints", _FLOATS),
    ]
)


@dataclass(frozen=True)
class Found:
    """Stage 1's poses.

    Attributes:
        poses: One per readable picture; may be empty of people.
        unreadable: Picture -> why it could not be decoded.
    """

    poses: dict[Path, Poses] = field(default_factory=dict)
    unreadable: dict[Path, str] = field(default_factory=dict)


def find(
    path: Path,
    images: Sequence[Path],
    predict: Callable[[Sequence[np.ndarray], Sequence[Path]], list[Poses]],
    *,
    source: Mapping[str, Any],
    batch: int = 8,
    on_progress: ProgressCallback | None = None,
) -> Found:
    """Returns the poses of `images`, asking stage 1 only for those that `path` does not hold.

    Args:
        path: The parquet file; created, or extended in place (atomically, see `SAVE_EVERY`).
        images: Pictures.
        predict: Stage 1: RGB images and their paths -> one `Poses` each.
        source: JSON values that identify stage 1: graph digest and settings.
        batch: Pictures handed to `predict` at once.
        on_progress: Called with (done, total, name).
    """
    rows = read_rows(path, source=source)
    found = Found()
    unsaved = 0
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        digests = {image: _digest(image) for image in part}
        fresh, pixels = [], []
        for image in part:
            if digests[image] and digests[image] not in rows:
                try:
                    pixels.append(load_rgb(image))
                    fresh.append(image)
                except ImageError as error:
                    found.unreadable[image] = str(error)
        for poses in predict(pixels, fresh) if fresh else ():
            rows[digests[poses.image]] = poses
        for image in part:
            if image not in found.unreadable:
                if digests[image] in rows:
                    found.poses[image] = replace(rows[digests[image]], image=image)
                else:
                    found.unreadable[image] = f"{image}: cannot be opened"
        unsaved += len(fresh)
        if unsaved >= max(SAVE_EVERY, SAVE_SHARE * len(rows)):
            _write_rows(path, rows, source)
            unsaved = 0
        if on_progress:
            on_progress(min(start + batch, len(images)), len(images), part[-1].name)
    if unsaved or not path.exists():
        _write_rows(path, rows, source)
    return found


def merge(path: Path, parts: Iterable[Path], *, source: Mapping[str, Any]) -> None:
    """Puts files of neighbouring pictures together: the result is that of `find` on them all.

    Args:
        path: The file; what it holds of the same stage 1 stays.
        parts: Files of `find`; absent ones are left out, as where a share has no picture.
        source: See `find`.

    Raises:
        ValueError: a part is damaged, or of another stage 1.
    """
    rows = read_rows(path, source=source)
    for part in parts:
        found = read_rows(part, source=source)
        if part.exists() and not found and pq.ParquetFile(part).metadata.num_rows:
            raise ValueError(f"{part} holds poses of another graph. Delete it, and make it again.")
        rows |= found
    _write_rows(path, rows, source)


def read_rows(path: Path, *, source: Mapping[str, Any]) -> dict[str, Poses]:
    """Returns the file's poses by picture digest; none if it is absent or of another stage 1.

    Their `image` is empty.
    """
    if not path.exists():
        return {}
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} is damaged ({error}). Delete it; it is made again.") from None
    stored = json.loads((table.schema.metadata or {}).get(_SOURCE, b"null"))
    if stored != json.loads(json.dumps(dict(source))):
        return {}
    skeletons = {text: Skeleton.from_text(text) for text in table["skeleton"].unique().to_pylist()}
    plain = (table[name].to_pylist() for name in ("sha256", "width", "height", "skeleton"))
    lists = (_lists(table[name]) for name in ("boxes", "scores", "keypoints"))
    return {
        digest: Poses(
            image=Path(),
            size=(width, height),
            skeleton=skeletons[skeleton],
            boxes=boxes.reshape(-1, 4),
            scores=scores,
            keypoints=keypoints.reshape(-1, len(skeletons[skeleton]), 3),
        )
        for digest, width, height, skeleton, boxes, scores, keypoints in zip(
            *plain, *lists, strict=True
        )
    }


def _lists(column: pa.ChunkedArray) -> list[np.ndarray]:
    """Returns the lists of a column, `(n,)` float32 each, without holding on to the table."""
    array = column.combine_chunks()
    values, ends = array.values.to_numpy(), array.offsets.to_numpy().tolist()
    return [values[start:stop].copy() for start, stop in pairwise(ends)]


def _write_rows(path: Path, rows: Mapping[str, Poses], source: Mapping[str, Any]) -> None:
    metadata = {_SOURCE: json.dumps(dict(source)).encode()}
    found = rows.values()
    texts = {skeleton: skeleton.as_text() for skeleton in {poses.skeleton for poses in found}}
    columns = {
        "sha256": [*rows],
        "width": [poses.size[0] for poses in found],
        "height": [poses.size[1] for poses in found],
        "skeleton": [texts[poses.skeleton] for poses in found],
        "boxes": [poses.boxes.ravel() for poses in found],
        "scores": [poses.scores for poses in found],
        "keypoints": [poses.keypoints.ravel() for poses in found],
    }
    table = pa.Table.from_pydict(columns, schema=_SCHEMA.with_metadata(metadata))
    with atomic.replacing(path) as temporary:
        pq.write_table(table, temporary)


def _digest(image: Path) -> str:
    try:
        return sha256_file(image)
    except OSError:
        return ""
