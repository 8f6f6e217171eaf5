"""JSON lines of `records.as_record` into a Parquet file, and back; a few thousand rows at a time.

The columns are the records' keys; `probabilities` has a field per activity (float32), `people` a
list with box, score and a field per joint. Needs pyarrow, which is imported only here.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

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


def from_json_lines(
    lines: Path, path: Path, *, classes: tuple[str, ...], joints: tuple[str, ...]
) -> None:
    """Writes a Parquet file with the records of a file of JSON lines.

    Args:
        lines: To read.
        path: To write.
        classes: Fields of `probabilities`.
        joints: Fields of `people.keypoints`; none where no poses are looked for.
    """
    pa = import_pyarrow()
    schema = _schema(pa, classes, joints)
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
        ValueError: it is no Parquet file.
    """
    pa = import_pyarrow()
    with path.open("rb") as there, pa.parquet.ParquetFile(there) as file:
        for batch in file.iter_batches(_ROWS):
            for record in batch.to_pylist():
                yield json.dumps(record, ensure_ascii=False) + "\n"


def _schema(pa: Any, classes: tuple[str, ...], joints: tuple[str, ...]) -> Any:
    box = pa.list_(pa.float32())
    columns = {
        "image": pa.string(),
        "frame": pa.int64(),
        "seconds": pa.float64(),
        "status": pa.string(),
        "activity": pa.string(),
        "probability": pa.float32(),
        "probabilities": pa.struct([(name, pa.float32()) for name in classes]),
        "person": pa.int32(),
        "box": box,
        "error": pa.string(),
        "note": pa.string(),
    }
    if joints:
        keypoints = pa.struct([(name, pa.list_(pa.float32())) for name in joints])
        person = pa.struct([("box", box), ("score", pa.float32()), ("keypoints", keypoints)])
        columns["people"] = pa.list_(person)
    return pa.schema(list(columns.items()))
