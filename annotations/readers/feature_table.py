"""Vectors with labels as a file: CSV or Parquet with columns `0..D-1,label[,name,group,split]`.

Numbers are float32 and come back bit by bit from either kind of file. What the vectors mean, and
who made them, is not known here. Published action-recognition features come in this form
(`0..511,label`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.names import check_names
from pose_activity.annotations.readers.csv_table import read_csv
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS
from pose_activity.artifacts import atomic, csv_text

TEXTS = ("label", "name", "group", "split")  # columns; all but the first may be absent
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """N vectors of D numbers, and what is known about each.

    Attributes:
        vectors: `(N, D)` float32, finite; N may be 0, D not.
        labels: N class names, none empty.
        names: N names, each once (a clip's, a picture's), or None.
        groups: N names or None each: vectors of one group (video, person) are never on both
            sides of a split; or None.
        splits: N of "train", "val", "test" or None, or None.
    """

    vectors: np.ndarray
    labels: tuple[str, ...]
    names: tuple[str, ...] | None = None
    groups: tuple[str | None, ...] | None = None
    splits: tuple[str | None, ...] | None = None

    def __post_init__(self) -> None:
        _check_vectors(self.vectors)
        for column, texts in self.texts.items():
            if len(texts) != len(self.vectors):
                raise ValueError(
                    f"{column} must be there for each of the {len(self.vectors)} vectors. "
                    f"Received: {len(texts)}"
                )
        _check_texts(self.texts)

    @property
    def texts(self) -> dict[str, Sequence[str | None]]:
        """Column name -> N texts, of the columns that are there."""
        columns = zip(TEXTS, (self.labels, self.names, self.groups, self.splits), strict=True)
        return {column: texts for column, texts in columns if texts is not None}


def write_features(path: Path, table: FeatureTable) -> None:
    """Writes a table, whole or not at all.

    Args:
        path: Ends in .csv, .parquet or .pq; its folder is made.
        table: What to write. Nine digits are written of a number in a CSV file: enough for every
            float32 to come back as it was.

    Raises:
        ValueError: another ending.
    """
    write = _write_parquet if _is_parquet(path) else _write_csv
    columns = [str(i) for i in range(table.vectors.shape[1])]
    with atomic.replacing(path) as temporary:
        write(temporary, columns, table)


def read_features(path: Path) -> FeatureTable:
    """Reads a table.

    Args:
        path: Ends in .csv (see `annotations.readers.csv_table`), .parquet or .pq. Columns may be
            in any order; a group or split may be left empty.

    Returns:
        The table, rows in their order; numbers that are not float32 are rounded to it.

    Raises:
        ValueError: no such file, another ending, a damaged file, columns that are missing, unknown
            or there twice, lines with more or fewer cells than columns, cells that are no finite
            numbers, empty labels, names that come twice, or unknown splits.
    """
    parquet = _is_parquet(path)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file. Give the path of a table of features.")
    columns, vectors, texts = (_read_parquet if parquet else _read_csv)(path)
    order = np.argsort([int(column) for column in columns if column not in TEXTS])
    try:
        check_names(path, texts["label"])
        return FeatureTable(
            vectors=np.ascontiguousarray(vectors[:, order]),
            labels=tuple(texts["label"]),
            names=tuple(texts["name"]) if "name" in texts else None,
            groups=_or_none(texts.get("group")),
            splits=_or_none(texts.get("split")),
        )
    except ValueError as error:
        raise ValueError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None


def _is_parquet(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in (".csv", *_PARQUET):
        raise ValueError(f"A table of features must end in .csv, .parquet or .pq. Received: {path}")
    return suffix in _PARQUET


def _or_none(texts: Sequence[str] | None) -> tuple[str | None, ...] | None:
    return None if texts is None else tuple(text or None for text in texts)


def _check_vectors(vectors: np.ndarray) -> None:
    if vectors.dtype != np.float32 or vectors.ndim != 2 or not vectors.shape[1]:
        raise ValueError(
            f"vectors must be float32 (N, D), D at least 1. "
            f"Received: {vectors.dtype} {vectors.shape}"
        )
    wrong = np.argwhere(~np.isfinite(vectors))
    if len(wrong):
        cells = preview([f"row {row + 1}, column {column}" for row, column in wrong])
        raise ValueError(
            "vectors must hold finite float32 numbers. "
            f"Received: NaN, infinite or too large in {cells}. Fix them or leave the rows out."
        )


def _check_texts(texts: dict[str, Sequence[str | None]]) -> None:
    for column in ("label", "name"):
        empty = [f"row {i}" for i, text in enumerate(texts.get(column, ()), 1) if not text]
        if empty:
            raise ValueError(f"{column} must not be empty. Received: empty in {preview(empty)}")
    counts = Counter(texts.get("name", ()))
    twice = [f"{name!r} ({count} times)" for name, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f"A name must come once. Received: {preview(twice)}. Rename them.")
    unknown = sorted({split for split in texts.get("split", ()) if split} - {*SPLITS})
    if unknown:
        raise ValueError(f"split must be one of {SPLITS} or empty. Received: {preview(unknown)}")


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise ValueError(f"{path}: a column must come once. Received twice: {preview(twice)}.")
    numbered = [column for column in columns if column not in TEXTS]
    wanted = {str(i) for i in range(len(numbered))}
    if "label" not in columns or not numbered or wanted != {*numbered}:
        raise ValueError(
            f"{path}: the columns must be 0, 1, 2 and so on without a gap, and label; there may "
            f"be name, group and split. {_difference(columns, numbered, wanted)}"
        )


def _difference(columns: Sequence[str], numbered: Sequence[str], wanted: set[str]) -> str:
    missing = sorted(wanted - {*numbered}, key=int) + ["label"] * ("label" not in columns)
    unknown = [column for column in numbered if column not in wanted]
    return f"Missing: {preview(missing or ['0'])}. Not expected: {preview(unknown) or 'none'}."


def _write_csv(path: Path, columns: list[str], table: FeatureTable) -> None:
    others = list(zip(*table.texts.values(), strict=True))
    rows = [
        [*(f"{number:.9g}" for number in vector), *(cell or "" for cell in cells)]
        for vector, cells in zip(table.vectors.tolist(), others, strict=True)
    ]
    text = csv_text.as_text([[*columns, *table.texts], *rows])
    path.write_text(text, encoding="utf-8", newline="")


def _read_csv(path: Path) -> tuple[list[str], np.ndarray, dict[str, list[str]]]:
    columns, lines = read_csv(path, needed=TEXTS[:1])
    _check_columns(path, columns)
    places = [i for i, column in enumerate(columns) if column not in TEXTS]
    numbers = [[cells[i] for i in places] for _, cells in lines]
    texts = {
        column: [csv_text.restored(cells[i]) for _, cells in lines]
        for i, column in enumerate(columns)
        if column in TEXTS
    }
    return columns, _parse(path, numbers, [where for where, _ in lines], len(places)), texts


def _parse(path: Path, cells: list[list[str]], lines: list[str], width: int) -> np.ndarray:
    """Returns texts as `(N, width)` float32; an error names the line of what is not a number."""
    try:
        numbers = np.array([[float(cell) for cell in row] for row in cells], np.float64)
    except ValueError:
        wrong = [
            f"{cell!r} in {line}"
            for line, row in zip(lines, cells, strict=True)
            for cell in row
            if not _is_number(cell)
        ]
        raise ValueError(
            f"{path}: cells of numbered columns must be numbers. Received: {preview(wrong)}."
        ) from None
    return _to_float32(numbers.reshape(-1, width))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _to_float32(numbers: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused by name
        return numbers.astype(np.float32)


def _write_parquet(path: Path, columns: list[str], table: FeatureTable) -> None:
    import pyarrow as pa  # prediction, which may read CSV alone, is without
    import pyarrow.parquet as pq

    arrays: dict[str, Any] = {column: table.vectors[:, i] for i, column in enumerate(columns)}
    texts = {column: pa.array(cells, pa.string()) for column, cells in table.texts.items()}
    pq.write_table(pa.table(arrays | texts), path)


def _read_parquet(path: Path) -> tuple[list[str], np.ndarray, dict[str, list[str]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: not a Parquet file, or a damaged one ({error}).") from None
    columns = list(table.column_names)
    _check_columns(path, columns)
    numbered = [column for column in columns if column not in TEXTS]
    kinds = {column: table.schema.field(column).type for column in numbered}
    wrong = [
        f"{column} ({kind})"
        for column, kind in kinds.items()
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind))
    ]
    if wrong:
        raise ValueError(f"{path}: numbered columns must hold numbers. Received: {preview(wrong)}.")
    vectors = np.stack([_to_float32(_numbers(table[column])) for column in numbered], axis=1)
    texts = {
        column: ["" if cell is None else str(cell) for cell in table[column].to_pylist()]
        for column in columns
        if column in TEXTS
    }
    return columns, vectors, texts


def _numbers(column: Any) -> np.ndarray:
    """Returns one column, NaN where it is null."""
    return np.asarray(column.to_numpy(), np.float64)
