"""Tables of features: there and back bit by bit, and what is wrong with a file is said."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pose_activity.annotations.readers.feature_table import (
    FeatureTable,
    read_features,
    write_features,
)

KINDS = ("csv", "parquet")


def any_float32(count: int) -> np.ndarray:
    """Finite float32 numbers of every size, tiny ones and both zeros among them."""
    bits = np.random.default_rng(0).integers(0, 2**32, 2 * count, dtype=np.uint32)
    numbers = bits.view(np.float32)
    numbers = numbers[np.isfinite(numbers)][: count - 4]
    ends = np.array([0.0, -0.0, 1e-45, np.finfo(np.float32).max], np.float32)
    return np.concatenate([ends, numbers])


def some_table(rows: int = 3, columns: int = 4) -> FeatureTable:
    return FeatureTable(
        any_float32(rows * columns).reshape(rows, columns),
        labels=tuple(f"walking, {i % 2}" for i in range(rows)),
        names=tuple(f'clip "{i}"\nü' for i in range(rows)),
        groups=tuple(None if i else "scene" for i in range(rows)),
        splits=("train", None, "test", *["val"] * rows)[:rows],
    )


def assert_same(one: FeatureTable, other: FeatureTable) -> None:
    assert one.vectors.dtype == other.vectors.dtype == np.float32
    assert one.vectors.shape == other.vectors.shape
    assert (one.vectors.view(np.uint32) == other.vectors.view(np.uint32)).all()
    assert one.texts == other.texts


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_comes_back(tmp_path, kind):
    table = some_table(rows=500, columns=12)
    write_features(tmp_path / "new" / f"table.{kind}", table)
    assert_same(read_features(tmp_path / "new" / f"table.{kind}"), table)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [0, 1])
def test_labels_alone_and_no_rows(tmp_path, kind, rows):
    table = FeatureTable(np.ones((rows, 2), np.float32), ("a",) * rows)
    write_features(tmp_path / f"table.{kind}", table)
    assert_same(read_features(tmp_path / f"table.{kind}"), table)


def test_pandas_reads_the_same(tmp_path):
    import pandas as pd

    table = some_table()
    write_features(tmp_path / "a.csv", table)
    write_features(tmp_path / "a.pq", table)
    numbers = [str(i) for i in range(4)]
    for read in (pd.read_csv(tmp_path / "a.csv"), pd.read_parquet(tmp_path / "a.pq")):
        assert read.columns.tolist() == [*numbers, "label", "name", "group", "split"]
        assert (read[numbers].to_numpy(np.float32) == table.vectors).all()
        assert tuple(read["label"]) == table.labels


def test_columns_in_any_order_and_numbers_of_any_form(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbf2,label,0,1\r\n3e0,7,1,2.\r\n\r\n 6,9,4,-5\r\n")
    table = read_features(path)
    assert table.vectors.tolist() == [[1, 2, 3], [4, -5, 6]]
    assert table.texts == {"label": ("7", "9")}


def test_other_numbers_in_parquet_are_rounded_to_float32(tmp_path):
    columns = {"1": [1, 2], "label": [7, 9], "0": pa.array([0.1, 0.2], pa.float64())}
    pq.write_table(pa.table(columns), tmp_path / "table.parquet")
    table = read_features(tmp_path / "table.parquet")
    assert (table.vectors == np.array([[0.1, 1], [0.2, 2]], np.float32)).all()
    assert table.labels == ("7", "9")


@pytest.mark.parametrize("name", ["G3D", "UCF11"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_reads_published_features(data_dir, name, split):
    path = data_dir / "sequences" / f"{name}_{split}.csv"
    table = read_features(path)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert table.vectors.shape == (len(rows), 512)
    expected = [[np.float32(row[str(i)]) for i in range(512)] for row in rows]
    assert (table.vectors == expected).all()
    assert list(table.labels) == [row["label"] for row in rows]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("0,1\n1,2\n", "Missing: label. Not expected: none"),
        ("", "Missing: label, 0|Missing: 0, label|Missing: label"),
        ("label\na\n", "Missing: 0"),
        ("0,2,label\n1,2,a\n", "Missing: 1. Not expected: 2"),
        ("0,colour,label\n1,2,a\n", "Missing: 1. Not expected: colour"),
        ("0,1,1,label\n1,2,3,a\n", "a column must come once. Received twice: 1"),
        ("0,label,label\n1,a,b\n", "Received twice: label"),
        ("0,1,label\n1,2,a\n1,a\n1,2,3,a\n", r"the 3 columns .* line 3 \(2\), line 4 \(4\)"),
        ("0,1,label\n1,2,a\nnan,2,a\n", "NaN, infinite or too large in row 2, column 0"),
        ("0,1,label\n1,inf,a\n", "too large in row 1, column 1"),
        ("0,1,label\n1,1e39,a\n", "too large in row 1, column 1"),
        (
            "0,1,label\n1,2,a\n1,,a\n1,x,a\n",
            "must be numbers. Received: '' in line 3, 'x' in line 4",
        ),
        ("0,label\n1,a\n2,\n", "label must not be empty. Received: empty in row 2"),
        ("0,label,name\n1,a,x\n2,b,x\n", r"A name must come once. Received: 'x' \(2 times\)"),
        ("0,label,name\n1,a,\n", "name must not be empty"),
        ("0,label,split\n1,a,learn\n", "split must be one of .* Received: learn"),
        ("0,label\n1,Run\n2,run\n", "differ by more than upper and lower case"),
        ('0,label\n1,"a\n', "cannot be read as a table"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, match):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=match) as caught:
        read_features(path)
    assert str(caught.value).count(str(path)) == 1


def test_damaged_and_missing_files(tmp_path):
    for name, match in (("a.parquet", "damaged one"), ("a.csv", "must be text in UTF-8")):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00PAR")
        with pytest.raises(ValueError, match=match):
            read_features(tmp_path / name)
    with pytest.raises(ValueError, match="there is no such file"):
        read_features(tmp_path / "none.csv")
    for act in (read_features, lambda path: write_features(path, some_table())):
        with pytest.raises(
            ValueError, match=r"must end in .csv, .parquet or .pq. Received: .*\.txt"
        ):
            act(tmp_path / "table.txt")


def write_parquet(path: Path, **columns) -> Path:
    pq.write_table(pa.table({name.lstrip("_"): cells for name, cells in columns.items()}), path)
    return path


def test_wrong_parquet_columns(tmp_path):
    path = tmp_path / "table.parquet"
    with pytest.raises(ValueError, match=r"must hold numbers. Received: 0 \(string\)"):
        read_features(write_parquet(path, _0=["1"], label=["a"]))
    with pytest.raises(ValueError, match="NaN, infinite or too large in row 2, column 0"):
        read_features(write_parquet(path, _0=[1.0, None], label=["a", "b"]))
    with pytest.raises(ValueError, match="label must not be empty. Received: empty in row 1"):
        read_features(write_parquet(path, _0=[1.0], label=pa.array([None], pa.string())))


@pytest.mark.parametrize(
    ("vectors", "texts", "match"),
    [
        (np.ones((1, 2)), {"labels": ("a",)}, r"float32 \(N, D\).* Received: float64 \(1, 2\)"),
        (np.ones((1, 0), np.float32), {"labels": ("a",)}, "D at least 1"),
        (np.ones((2, 1), np.float32), {"labels": ("a",)}, "label must be there .* 2 vectors"),
        (np.ones((1, 1), np.float32), {"labels": ("a",), "groups": ()}, "group must be there"),
        (np.full((1, 1), np.nan, np.float32), {"labels": ("a",)}, "NaN"),
    ],
)
def test_values_are_checked_at_birth(vectors, texts, match):
    with pytest.raises(ValueError, match=match):
        FeatureTable(vectors, **texts)


def test_dialects(tmp_path: Path):
    path = tmp_path / "x.CSV"
    path.write_bytes("\ufeffsep=;\r\n0;1;Label;group;;\r\n1.5;2; run ;a;;\r\n3;4;sit\r\n".encode())
    table = read_features(path)
    np.testing.assert_array_equal(table.vectors, np.array([[1.5, 2], [3, 4]], np.float32))
    assert (table.labels, table.groups) == (("run", "sit"), ("a", None))
    path.write_bytes("0,label\n1,run\n".encode("utf-16"))
    with pytest.raises(ValueError, match="Received: UTF-16"):
        read_features(path)
