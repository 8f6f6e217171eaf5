"""JSON lines into a Parquet file, and back; a few thousand rows at a time.

The columns are the records' keys, with the types that `results.Columns` names. Needs pyarrow, which
is imported only here.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pose_activity.inference.results import Columns

_ROWS = 2000  # a row group


def import_pyarrow() -> Any:
    """Imports pyarrow.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "Parquet files are written by pyarrow, which is not installed. Run: pip install "
            "pyarrow, or name an output that ends in .jsonl: it holds the same"
        ) from None
    return pyarrow


def from_json_lines(lines: Path, path: Path, columns: Columns) -> None:
    """Writes a Parquet file with the records of a file of JSON lines.

    Args:
        lines: To read.
        path: To write.
        columns: Of the rows.
    """
    pa = import_pyarrow()
    schema = pa.schema(_fields(pa, columns.fields))
    with (
        lines.open(encoding="utf-8") as file,
        path.open("wb") as out,  # pyarrow itself opens no name that is not UTF-8
        pa.parquet.ParquetWriter(out, schema) as writer,
    ):
        while chunk := [json.loads(line) for line in islice(file, _ROWS)]:
            writer.write_table(pa.Table.from_pylist(chunk, schema=schema))


def to_json_lines(path: Path) -> Iterator[str]:
    """Yields the lines that a Parquet file was made from.

    Raises:
        ValueError: it is not a Parquet file.
    """
    pa = import_pyarrow()
    with path.open("rb") as there, pa.parquet.ParquetFile(there) as file:
        for batch in file.iter_batches(_ROWS):
            for record in batch.to_pylist():
                yield json.dumps(record, ensure_ascii=False) + "\n"


def _fields(pa: Any, fields: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, _type(pa, value)) for name, value in fields.items()]


def _type(pa: Any, value: Any) -> Any:
    if isinstance(value, list):
        return pa.list_(_type(pa, value[0]))
    return pa.struct(_fields(pa, value)) if isinstance(value, Mapping) else getattr(pa, value)()
