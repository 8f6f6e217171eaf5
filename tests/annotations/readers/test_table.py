"""Tables of pictures: CSV in its dialects, Parquet, and what may be wrong with them."""

from pathlib import Path

import pandas as pd
import pytest

from pose_activity.annotations.readers.table import read_table
from pose_activity.annotations.types import Sample

ROWS = [
    ("a.jpg", "tai chi", "g1", "train"),
    ("deep/b c.png", "NA", "", "val"),
    ("Größe.jpg", "run, jump", "g1", ""),
]
COLUMNS = ["image", "activity", "group", "split"]


def facts(sample: Sample) -> tuple:
    return (sample.image.as_posix(), sample.activity, sample.group, sample.split)


EXPECTED = [
    ("photos/a.jpg", "tai chi", "g1", "train"),
    ("photos/deep/b c.png", "NA", None, "val"),
    ("photos/Größe.jpg", "run, jump", "g1", None),
]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_written_by_pandas_read_by_us(tmp_path: Path, separator: str, encoding: str):
    path = tmp_path / "x.csv"
    pd.DataFrame(ROWS, columns=COLUMNS).to_csv(path, index=False, sep=separator, encoding=encoding)
    samples = list(read_table(path, Path("photos")))
    assert [facts(sample) for sample in samples] == EXPECTED
    assert all(len(s.boxes) == 0 and s.size is None for s in samples)


def test_parquet(tmp_path: Path):
    rows = [tuple(cell or None for cell in row) for row in ROWS]
    pd.DataFrame(rows, columns=COLUMNS).to_parquet(tmp_path / "x.parquet")
    assert [facts(s) for s in read_table(tmp_path / "x.parquet", Path("photos"))] == EXPECTED


def test_spaces_blank_lines_and_other_columns(tmp_path: Path):
    path, notes = tmp_path / "x.csv", []
    path.write_text(
        "Image , activity,camera\n a.jpg, run ,3\n,,\n\nb.jpg,run,4\n", encoding="utf-8"
    )
    samples = list(read_table(path, Path(), on_note=notes.append))
    assert [facts(s)[:2] for s in samples] == [("a.jpg", "run"), ("b.jpg", "run")]
    assert len(notes) == 1 and notes[0].endswith("columns that are not used: camera.")


@pytest.mark.parametrize(
    "text",
    [
        "image,activity,group,,\na.jpg,run,g,,\nb.jpg,sit,,,\n,,,,\n",
        "image,activity,group\na.jpg,run,g,,\nb.jpg,sit\n",
        "sep=;\nimage;activity;group\na.jpg;run;g\nb.jpg;sit;\n",
        '"SEP=|",,\r\nimage|activity|group\r\na.jpg|run|g\r\nb.jpg|sit|\r\n',
        '"image";"activity";"group";"place, camera, light, lens"\na.jpg;run;g\nb.jpg;sit\n',
        '"image"\t"activity"\t"group"\na.jpg\t"run"\tg\nb.jpg\tsit\t\n',
        "image,activity,group\ra.jpg,run,g\rb.jpg,sit,\r",
        "\n , ,\nimage,activity,group\na.jpg,run,g\nb.jpg,sit,\n",
        ",image,activity,group\n0,a.jpg,run,g\n1,b.jpg,sit,\n",
    ],
    ids=[
        "empty columns",
        "short",
        "sep",
        "quoted sep",
        "quoted commas",
        "tabs",
        "mac",
        "blank",
        "index",
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "bom"])
def test_dialects(tmp_path: Path, text: str, mark: str):
    (tmp_path / "x.csv").write_bytes((mark + text).encode())
    samples = list(read_table(tmp_path / "x.csv", Path()))
    assert [facts(s)[:3] for s in samples] == [("a.jpg", "run", "g"), ("b.jpg", "sit", None)]


def test_quoted_texts_hold_anything(tmp_path: Path):
    text = 'image,activity\n"a,1.jpg","tai ""chi"", slow"\n"b.jpg","two\nlines"\n'
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    samples = list(read_table(tmp_path / "x.csv", Path()))
    assert [facts(s)[:2] for s in samples] == [
        ("a,1.jpg", 'tai "chi", slow'),
        ("b.jpg", "two\nlines"),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("image,activity\n".encode("utf-16"), "Received: UTF-16. Save the file as UTF-8"),
        ("image,activity\n".encode("utf-16-be"), "UTF-16 without a mark.* Save it as CSV"),
        ("image,activity\n".encode("utf-32"), "Received: UTF-16"),
        (
            "image,activity\na,b\nc,Küche\n".encode("latin-1"),
            "x.csv, line 3: .* byte 0xfc",
        ),
        (b"PK\x03\x04 and so on", "an Excel workbook or"),
    ],
)
def test_other_encodings_are_told(tmp_path: Path, data: bytes, message: str):
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "x.csv", Path())


def test_a_text_in_a_column_without_a_name(tmp_path: Path):
    (tmp_path / "x.csv").write_text(
        "image,activity,,\na.jpg,run,,\nb.jpg,tai chi, slow,\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"the 2 columns of .* Received: line 3 \(4\). Put texts"):
        read_table(tmp_path / "x.csv", Path())


def test_lines_are_counted_behind_a_separator_line(tmp_path: Path):
    (tmp_path / "x.csv").write_text("sep=;\nimage;activity\na.jpg;run\n;run\n", encoding="utf-8")
    with pytest.raises(ValueError, match="image must not be empty: line 4"):
        read_table(tmp_path / "x.csv", Path())


def test_backslashes(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a.jpg").touch()
    (tmp_path / "x.csv").write_text("image,activity\ndeep\\a.jpg,run\n", encoding="utf-8")
    (sample,) = read_table(tmp_path / "x.csv", tmp_path)
    assert sample.image == tmp_path / "deep/a.jpg"
    (tmp_path / "x.csv").write_text(
        "image,activity\ndeep\\a.jpg,run\ndeep/a.jpg,run\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"listed once. Received: .*a.jpg \(2 times\)"):
        read_table(tmp_path / "x.csv", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Missing: image, activity. Received: $"),
        ("image,group\na.jpg,1\n", "Missing: activity. Received: image, group"),
        ("image,activity\n", "there are no rows"),
        (
            "image,activity\na.jpg,\n,run\nb.jpg, \n",
            "image must not be empty: line 3.*activity must .* line 2, line 4",
        ),
        (
            "image,activity,split\na.jpg,run,dev\n",
            r"split must be one of .* or empty. Received: 'dev' in line 2",
        ),
        ("image,activity\na.jpg,run\na.jpg,sit\n", r"listed once. Received: a.jpg \(2 times\)"),
        ("image,activity\na.jpg,run\nb.jpg,Run\n", "Received: 'run' and 'Run'. Merge or rename"),
        (
            "image,activity\na.jpg,run,fast\n",
            r"have the 2 columns of .* Received: line 2 \(3\). Put",
        ),
        ('image,activity\na.jpg,"run\n', "cannot be read as a table"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, message: str):
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "x.csv", Path())


def test_files_that_are_no_tables(tmp_path: Path):
    with pytest.raises(ValueError, match="no such file. Give the path of the table"):
        read_table(tmp_path / "absent.csv", Path())
    (tmp_path / "x.csv").write_bytes(b"image,activity\na.jpg,\xff\n")
    with pytest.raises(ValueError, match="line 2: must be text in UTF-8"):
        read_table(tmp_path / "x.csv", Path())
    (tmp_path / "x.parquet").write_bytes(b"no")
    with pytest.raises(ValueError, match="not a Parquet file, or a damaged one"):
        read_table(tmp_path / "x.parquet", Path())


def test_a_column_that_comes_twice(tmp_path: Path):
    table = tmp_path / "t.csv"
    table.write_text("image,activity,image\na.jpg,rowing,b.jpg\n", encoding="utf-8")
    with pytest.raises(ValueError, match="a column must come once. Received twice: image"):
        list(read_table(table, tmp_path))


def test_parquet_columns_in_capitals(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"Image": ["a.jpg"], "Activity ": ["rowing"]}), tmp_path / "t.PARQUET")
    (sample,) = read_table(tmp_path / "t.PARQUET", tmp_path)
    assert (sample.image, sample.activity) == (tmp_path / "a.jpg", "rowing")
