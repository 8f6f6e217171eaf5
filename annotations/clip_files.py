"""Clips as one Parquet file, exact both ways.

A row is a clip. Columns: name, source, first and stop (its span), label, group, split, skeleton
(JSON), times (a list of float64) and keypoints (a list of float32: x, y, v of the first joint of
the first frame, of the second, ...). What a clip does not have is null. Paths are stored as they
are given.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pose_activity.annotations.clips import Clip, check_names_once
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.text import preview
from pose_activity.artifacts.atomic import replacing

_COLUMNS = pa.schema(
    [
        ("name", pa.string()),
        ("source", pa.string()),
        ("first", pa.int64()),
        ("stop", pa.int64()),
        ("label", pa.string()),
        ("group", pa.string()),
        ("split", pa.string()),
        ("skeleton", pa.string()),
        ("times", pa.large_list(pa.float64())),
        ("keypoints", pa.large_list(pa.float32())),
    ]
)


def write_clips(path: Path, clips: Sequence[Clip]) -> None:
    """Writes clips to `path`, whole or not at all.

    Raises:
        ValueError: a name comes twice, or a path is not valid Unicode.
    """
    check_names_once(path, clips)
    try:
        table = pa.Table.from_pydict(
            {
                "name": [clip.name for clip in clips],
                "source": [str(clip.source) for clip in clips],
                "first": [clip.span and int(clip.span[0]) for clip in clips],
                "stop": [clip.span and int(clip.span[1]) for clip in clips],
                "label": [clip.label for clip in clips],
                "group": [clip.group for clip in clips],
                "split": [clip.split for clip in clips],
                "skeleton": [c.skeleton and json.dumps(c.skeleton.as_json()) for c in clips],
                "times": _lists([clip.times for clip in clips], np.float64),
                "keypoints": _lists([clip.keypoints for clip in clips], np.float32),
            },
            schema=_COLUMNS,
        )
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{path}: names of files and folders must be valid Unicode. "
            f"Received: {error.object!a}. Rename it."
        ) from None
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_clips(path: Path) -> list[Clip]:
    """Reads what `write_clips` wrote; every number comes back bit for bit.

    Raises:
        ValueError: the file is missing, or does not hold clips.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file. Run the step `annotations` first.")
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{path}: not a Parquet file, or a damaged one ({error}). "
            "Delete it and run the step `annotations` again."
        ) from None
    if not table.schema.equals(_COLUMNS):
        raise ValueError(
            f"{path}: must have the columns {', '.join(_COLUMNS.names)}, as `write_clips` makes "
            f"them. Received: {preview(table.column_names)}"
        )
    plain = table.drop_columns(["times", "keypoints"]).to_pylist()
    times, keypoints = (_arrays(table[name]) for name in ("times", "keypoints"))
    return [
        _from_row(row, when, points)
        for row, when, points in zip(plain, times, keypoints, strict=True)
    ]


def _lists(arrays: Sequence[np.ndarray | None], dtype: type[np.floating]) -> pa.Array:
    """Returns a column of flat lists, with null for None."""
    empty = np.zeros(0, dtype)
    flat = [empty if array is None else array.ravel() for array in arrays]
    ends = np.cumsum([0, *(len(array) for array in flat)])
    return pa.LargeListArray.from_arrays(
        pa.array(ends, pa.int64()),
        pa.array(np.concatenate([empty, *flat])),
        mask=pa.array([array is None for array in arrays], pa.bool_()),
    )


def _arrays(column: pa.ChunkedArray) -> list[np.ndarray | None]:
    return [
        np.array(item.values.to_numpy(zero_copy_only=False)) if item.is_valid else None
        for item in column
    ]


def _from_row(
    row: Mapping[str, Any], times: np.ndarray | None, keypoints: np.ndarray | None
) -> Clip:
    skeleton = None if row["skeleton"] is None else Skeleton.from_json(json.loads(row["skeleton"]))
    if keypoints is not None and skeleton is not None and times is not None:
        keypoints = keypoints.reshape(len(times), len(skeleton), 3)
    return Clip(
        name=row["name"],
        source=Path(row["source"]),
        span=None if row["first"] is None else (row["first"], row["stop"]),
        label=row["label"],
        group=row["group"],
        split=row["split"],
        skeleton=skeleton,
        keypoints=keypoints,
        times=times,
    )
