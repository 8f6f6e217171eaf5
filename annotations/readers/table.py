"""A table of pictures: CSV or Parquet with `image,activity[,group,split]` in, `Sample`s out.

There are no joints in such a data set, so each Sample has no people. No picture is opened here.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pose_activity.annotations.names import check_names
from pose_activity.annotations.readers.csv_table import read_csv
from pose_activity.annotations.readers.paths import image_path
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS, Sample, no_people

NEEDED, OPTIONAL = ("image", "activity"), ("group", "split")
_PARQUET = (".parquet", ".pq")

Row = tuple[str, Mapping[str, str]]  # "line 7", column -> text without spaces around it


def read_table(
    annotations: Path, images: Path, *, on_note: Callable[[str], None] | None = None
) -> Iterator[Sample]:
    """Reads a table.

    Args:
        annotations: A `.parquet` file, or a text file; see `annotations.readers.csv_table`. A group
            or split may be left empty.
        images: Folder that the paths in the column `image` start at; see
            `annotations.readers.paths` for backslashes.
        on_note: Called with a note on which columns are not used.

    Returns:
        A COCO17 Sample without people per row, in order; `size` is None.

    Raises:
        ValueError: no such file, missing columns, empty cells, unknown splits, an image twice, or
            activities that differ in upper and lower case only.
    """
    if not annotations.is_file():
        raise ValueError(f"{annotations}: there is no such file. Give the path of the table.")
    columns, rows = (_read_parquet if annotations.suffix.lower() in _PARQUET else _read_text)(
        annotations
    )
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise ValueError(
            f"{annotations}: a column must come once. Received twice: {preview(twice)}."
        )
    missing = [column for column in NEEDED if column not in columns]
    if missing:
        raise ValueError(
            f"{annotations}: the table must have the columns image and activity, and may have "
            f"group and split. Missing: {', '.join(missing)}. Received: {', '.join(columns)}"
        )
    unused = [column for column in columns if column not in NEEDED + OPTIONAL]
    if unused and on_note:
        on_note(f"{annotations}: columns that are not used: {', '.join(unused)}.")
    _check(annotations, images, rows)
    check_names(annotations, (row["activity"] for _, row in rows))
    return (_make_sample(images, row) for _, row in rows)


def _read_text(path: Path) -> tuple[list[str], Sequence[Row]]:
    columns, lines = read_csv(path, needed=NEEDED)
    return columns, [(where, dict(zip(columns, cells, strict=True))) for where, cells in lines]


def _read_parquet(path: Path) -> tuple[list[str], Sequence[Row]]:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: not a Parquet file, or a damaged one ({error}).") from None
    columns = [name.strip().lower() for name in table.column_names]
    cells = zip(*(column.to_pylist() for column in table.columns), strict=True)
    rows = [
        (f"row {i}", dict(zip(columns, map(_as_text, row), strict=True)))
        for i, row in enumerate(cells, 1)
    ]
    return columns, rows


def _as_text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _check(path: Path, images: Path, rows: Sequence[Row]) -> None:
    """Raises ValueError with everything that is wrong with the rows."""
    wrong = []
    for column in NEEDED:
        empty = [where for where, row in rows if not row[column]]
        if empty:
            wrong.append(
                f"{column} must not be empty: {preview(empty)}. Fill in or delete the rows"
            )
    unknown = [
        f"{row['split']!r} in {where}"
        for where, row in rows
        if row.get("split", "") not in ("", *SPLITS)
    ]
    if unknown:
        wrong.append(f"split must be one of {SPLITS} or empty. Received: {preview(unknown)}")
    counts = Counter(image_path(images, row["image"]) for _, row in rows if row["image"])
    twice = [f"{image} ({count} times)" for image, count in counts.items() if count > 1]
    if twice:
        wrong.append(f"an image must be listed once. Received: {preview(twice)}")
    if not rows:
        wrong.append("there are no rows")
    if wrong:
        raise ValueError(f"{path}: " + "; ".join(wrong))


def _make_sample(images: Path, row: Mapping[str, str]) -> Sample:
    boxes, keypoints, head_sizes = no_people(COCO17)
    return Sample(
        image=image_path(images, row["image"]),
        size=None,
        skeleton=COCO17,
        boxes=boxes,
        keypoints=keypoints,
        head_sizes=head_sizes,
        activity=row["activity"],
        group=row.get("group") or None,
        split=row.get("split") or None,
    )
