"""`index.parquet`: the entries of a cache, one row per entry in a fixed order.

The columns of `source` and `target` are called "image" and "label", as they always were.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pose_activity.artifacts import atomic
from pose_activity.cache.record import Entry

_COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("key", "image", "label", "split")),
        ("person", pa.int32()),
        ("sha256", pa.string()),
        ("window", pa.int32()),
        ("made_from", pa.string()),
    ]
)
_OLDER = (_COLUMNS.names[:-1], _COLUMNS.names[:-2])  # the shorter one knew no clips


def write(path: Path, entries: Sequence[Entry]) -> None:
    """Writes entries, whole or not at all."""
    rows = [
        {**vars(entry), "image": entry.source.as_posix(), "label": entry.target}
        for entry in entries
    ]
    with atomic.replacing(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=_COLUMNS), temporary)


def read(path: Path) -> tuple[Entry, ...] | None:
    """Returns what `write` wrote; None where a version wrote it that knew other columns."""
    table = pq.ParquetFile(path).read()
    if table.schema.names not in (_COLUMNS.names, *_OLDER):
        return None
    return tuple(
        Entry(source=Path(row.pop("image")), target=row.pop("label"), **row)
        for row in table.to_pylist()
    )
