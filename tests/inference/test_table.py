"""Tables: what stands in them, and that no crash leaves half of one."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.inference.results import (
    PERSON_COLUMNS,
    VIDEO_COLUMNS,
    Result,
    columns_of_answers,
    read_top3,
)
from pose_activity.inference.table import Table, open_table
from tests.commands import ROOT
from tests.inference.fakes import BOXES, CLASSES, answered, failed, nobody

MADE_BY = {"made_by": {"engine": "openvino", "stage2": {"precision": "f32"}}, "threads": 2}
# Of two pictures, one of them with two people, and of a video; names with what a CSV has to quote.
ROWS = [
    answered('a "1", é\nb.jpg', people=2, person=0),
    answered('a "1", é\nb.jpg', (0.1, 0.3, 0.6), people=2, person=1),
    failed("b.jpg", "the file\nis empty"),
    answered("c.mp4", (0.3, 0.4, 0.3), people=3, person=2, frame=0),
    answered("c.mp4", people=1, person=0, frame=2),
    failed("c.mp4", "cut off", frame=3),
    nobody("d.jpg"),
]


class Crash(Exception):
    """Stands for whatever ends a run."""


OPENINGS: tuple[dict[str, Any], ...] = ({}, {"resume": True}, {"overwrite": True})


def opened(
    path: Path,
    *,
    resume: bool = False,
    manifest=MADE_BY,
    more: tuple[str, ...] = (*PERSON_COLUMNS, *VIDEO_COLUMNS),
    **options,
) -> Table:
    columns = columns_of_answers(CLASSES, COCO17.joints, more)
    return open_table(path, columns, manifest=manifest, resume=resume, **options)


def write(path: Path, rows: Sequence[Result], **options) -> Table:
    with opened(path, **options) as table:
        for row in rows:
            table.write(row)
    return table


def lines_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def records(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def manifest_of(path: Path) -> dict:
    return json.loads(path.with_name(path.name + ".manifest.json").read_text(encoding="utf-8"))


def test_no_cell_of_a_csv_file_is_a_formula(tmp_path: Path) -> None:
    names = ["=HYPERLINK(1).jpg", "-a.jpg", "'=b.jpg"]
    write(tmp_path / "a.csv", [answered(name) for name in names])
    _, *lines = lines_of(tmp_path / "a.csv")
    assert [line[0] for line in lines] == [f"'{name}" for name in names]
    with opened(tmp_path / "a.csv", resume=True) as table:
        assert all(table.has(Path(name), None) for name in names)
    assert lines_of(tmp_path / "a.csv")[1:] == lines


def test_a_csv_file_of_whole_pictures(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.csv"
    row = answered("a.jpg", (0.1, 0.3, 0.6), unknown_below=0.7)
    write(path, [row, answered("b.jpg", people=None)], more=())
    assert lines_of(path) == [
        ["image", "status", "activity", "probability", "top3", "n_people", "error"],
        ["a.jpg", "ok", "unknown", "0.6000"]
        + ["sit, or lie:0.6000|run:0.3000|walk:0.1000", "1", ""],
        ["b.jpg", "ok", "walk", "0.7000", "walk:0.7000|run:0.2000|sit, or lie:0.1000", "", ""],
    ]


def test_a_csv_file_of_persons_and_videos(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path, ROWS)
    names, *values = lines_of(path)
    assert names[7:] == ["person", "box", "frame", "seconds"]
    lines = [dict(zip(names, line, strict=True)) for line in values]
    tails = [[line[name] for name in ("person", "box", "frame", "seconds")] for line in lines]
    assert tails[1] == ["1", "40.0 10.0 60.0 44.2", "", ""]
    assert tails[4] == ["0", "4.0 5.0 20.0 45.0", "2", "0.080"]
    assert tails[5] == ["", "", "3", ""]
    assert [line["status"] for line in lines] == ["ok"] * 2 + ["error", "ok", "ok", "error"] + [
        "nobody"
    ]
    assert lines[0]["image"] == 'a "1", é\nb.jpg'
    assert lines[2]["error"] == "b.jpg: the file\nis empty" and lines[2]["n_people"] == ""
    assert lines[6]["n_people"] == "0" and lines[6]["activity"] == ""


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_everything_is_in_json_lines_and_parquet(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3)).astype(np.float32)
    row = answered("c.mp4", shares.tolist(), people=2, person=1, frame=5, unknown_below=1.0)
    write(path, [row, *ROWS])
    first, *others = records(path)
    assert (first["image"], first["frame"], first["seconds"]) == ("c.mp4", 5, 0.2)
    assert (first["status"], first["activity"], first["error"]) == ("ok", "unknown", None)
    assert tuple(first["probabilities"]) == CLASSES
    assert np.array_equal(np.array(list(first["probabilities"].values()), np.float32), shares)
    assert np.float32(first["probability"]) == shares.max()
    assert first["person"] == 1 and first["box"] == BOXES[1].tolist()
    assert row.poses is not None
    for person, found, score in zip(
        first["people"], row.poses.keypoints, row.poses.scores, strict=True
    ):
        assert tuple(person["keypoints"]) == COCO17.joints
        joints = np.array(list(person["keypoints"].values()), np.float32)
        assert np.array_equal(joints, found) and np.float32(person["score"]) == score
    assert [record["status"] for record in others] == [row.status for row in ROWS]
    assert others[2]["probabilities"] is None and others[2]["people"] is None
    assert others[2]["error"] == "b.jpg: the file\nis empty" and others[6]["people"] == []


def test_parquet_without_poses_has_no_people(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with open_table(path, columns_of_answers(CLASSES)) as table:
        table.write(answered("a.jpg", people=None))
    (record,) = records(path)
    assert "people" not in record and record["activity"] == "walk"
    assert sorted(tmp_path.iterdir()) == [path]  # nobody asked for a manifest


@pytest.mark.parametrize(
    "names",
    [
        ("walk", "run", "sit, or lie"),
        ("a|b", "c:d", "e"),
        ("|", ":", "\\"),
        ("a:0.5|b:0.4", "\\|", "line\nbreak\\"),
        (" x ", "", "日本:語"),
    ],
)
def test_top3_is_read_back_whatever_the_names(names: tuple[str, str, str]) -> None:
    ranking = ((names[0], 0.7), (names[1], 0.2), (names[2], 0.1))
    cell = Result(Path("a.jpg"), ranking=ranking).as_columns()["top3"]
    assert read_top3(cell) == list(ranking)


def test_a_table_that_is_there_is_not_written_over_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path, ROWS)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="a.csv is there already.* overwrite it, or name"):
        write(path, ROWS[:1])
    assert path.read_bytes() == before
    write(path, ROWS[:1], overwrite=True)
    assert path.read_bytes().count(b"\r\n") == 2
    partial = path.with_name("a.csv.partial")
    partial.write_bytes(before)
    path.unlink()
    with pytest.raises(FileExistsError, match="partial holds the rows of a run that was killed"):
        write(path, ROWS)
    write(path, ROWS, overwrite=True)
    assert path.read_bytes() == before and not partial.exists()


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_one_process_at_a_time_writes_a_table(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    with opened(path) as table:
        for row in ROWS[:3]:
            table.write(row)
        for options in OPENINGS:
            with pytest.raises(BlockingIOError, match=f"a{ending} is being written by another"):
                opened(path, **options)
        write(tmp_path / f"b{ending}", ROWS)  # another table beside it
        for row in ROWS[3:]:
            table.write(row)
    assert table.counts.total() == len(ROWS)
    write(path, ROWS, overwrite=True)  # let go
    assert not list(tmp_path.glob(".*"))


OTHER = """
import sys
from pathlib import Path
from tests.inference.test_table import ROWS, opened

with opened(Path(sys.argv[1])) as table:
    for row in ROWS[:4]:
        table.write(row)
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_alive_and_killed_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    command = [sys.executable, "-c", OTHER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"writing\n"
        for options in OPENINGS:
            with pytest.raises(BlockingIOError, match=r"a\.csv is being written by another"):
                opened(path, **options)
        other.kill()
    with pytest.raises(FileExistsError, match="of a run that was killed"):
        opened(path)
    table = write(path, ROWS, resume=True)
    assert table.kept == 3 and table.counts.total() == len(ROWS)
    write(tmp_path / "whole.csv", ROWS)
    assert path.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_refused_table_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path, ROWS)
    with pytest.raises(ValueError, match="cannot be resumed"):
        opened(path, manifest=None, resume=True, more=VIDEO_COLUMNS)
    write(path, ROWS, overwrite=True)


def test_top3_of_plain_names_is_plain() -> None:
    assert answered("a.jpg").as_columns()["top3"] == "walk:0.7000|run:0.2000|sit, or lie:0.1000"
    assert read_top3("") == []
    for wrong in ("walk", "walk:x", "walk:0.7|", "a|b:0.7"):
        with pytest.raises(ValueError, match=r"top3 must be name:p\|name:p\|name:p. Received: "):
            read_top3(wrong)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    image = "caf\udce9.jpg"
    for ending in (".csv", ".jsonl", ".parquet"):
        path = tmp_path / f"a{ending}"
        for resume in (False, True):
            write(path, [answered(image), failed(image, "x", frame=1)], resume=resume)
        if ending == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                found = list(csv.DictReader(file))
        else:
            found = records(path)
        assert [row["image"] for row in found] == ["caf\\xe9.jpg"] * 2
        assert found[1]["error"] == "caf\\xe9.jpg: x"
        json.loads((tmp_path / f"a{ending}.manifest.json").read_bytes().decode("utf-8"))


def test_an_older_table_with_a_names_own_bytes_goes_on(tmp_path: Path) -> None:
    path, image = tmp_path / "a.csv", "caf\udce9.jpg"
    write(path, [answered(image)])
    path.write_bytes(path.read_bytes().replace(b"\\xe9", b"\xe9"))
    table = write(path, [answered(image), answered("b.jpg")], resume=True)
    assert table.kept == 1 and table.counts.total() == 2


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_after_a_crash_the_rows_are_there_to_go_on_with(tmp_path: Path, ending: str) -> None:
    path, whole = tmp_path / f"a{ending}", tmp_path / f"whole{ending}"
    write(whole, ROWS)
    path.write_text("an older table", encoding="utf-8")
    with pytest.raises(Crash), opened(path, overwrite=True) as table:
        for row in ROWS[:5]:
            table.write(row)
        raise Crash
    assert path.read_text(encoding="utf-8") == "an older table"
    path.unlink()
    with pytest.raises(FileExistsError, match=r"partial holds the rows .* killed\. Resume it"):
        opened(path)
    with opened(path, resume=True) as table:
        assert table.kept == 4  # the last frame may be half there
        assert table.has(Path("b.jpg"), None) and table.has(Path("c.mp4"), 0)
        assert not table.has(Path("c.mp4"), 2) and not table.has(Path("c.mp4"), None)
        for row in ROWS:
            table.write(row)
    if ending == ".parquet":
        assert pq.read_table(path).equals(pq.read_table(whole))
    else:
        assert path.read_bytes() == whole.read_bytes()
    assert table.counts == {"ok": 4, "error": 2, "nobody": 1}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(
        name + extra for name in (path.name, whole.name) for extra in ("", ".manifest.json")
    )


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_wherever_the_last_line_was_cut(tmp_path: Path, ending: str) -> None:
    path, whole = tmp_path / f"a{ending}", tmp_path / f"whole{ending}"
    write(whole, ROWS[:4], manifest=None)
    data = whole.read_bytes()
    partial = path.with_name(path.name + ".partial")
    for length in range(0, len(data) + 1, 1 if ending == ".csv" else 29):
        partial.write_bytes(data[:length])
        write(path, ROWS[:4], manifest=None, resume=True)
        assert path.read_bytes() == data, length


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_finished_table_grows(tmp_path: Path, ending: str) -> None:
    path, whole = tmp_path / f"a{ending}", tmp_path / f"whole{ending}"
    write(whole, ROWS)
    write(path, ROWS[:5])
    table = write(path, ROWS, resume=True)
    assert table.kept == 5 and table.counts.total() == 7
    if ending == ".parquet":
        assert pq.read_table(path).equals(pq.read_table(whole))
    else:
        assert path.read_bytes() == whole.read_bytes()


def test_the_manifest_says_how_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with opened(path) as table:
        running = json.loads((tmp_path / "a.csv.partial.manifest.json").read_text(encoding="utf-8"))
        for row in ROWS:
            table.write(row)
        table.stopped = True
    assert not running["finished"] and running["made_by"] == MADE_BY["made_by"]
    stopped = manifest_of(path)
    assert stopped == {
        "output": "a.csv",
        "finished": False,
        "rows": 7,
        "counts": {"error": 2, "nobody": 1, "ok": 4},
        "seconds": stopped["seconds"],
        **MADE_BY,
    }
    write(path, [], resume=True)
    done = manifest_of(path)
    assert done["finished"] and done["rows"] == 7 and done["seconds"] >= stopped["seconds"]


def test_rows_of_another_maker_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path, ROWS)
    before = path.read_bytes()
    other = {"made_by": {"engine": "openvino", "stage2": {"precision": "int8"}}}
    with pytest.raises(ValueError, match="stage2.precision: 'f32' -> 'int8'.*Name another table"):
        opened(path, manifest=other, resume=True)
    (tmp_path / "a.csv.manifest.json").unlink()
    with pytest.raises(ValueError, match="a.csv has no manifest, so the model that made it is"):
        opened(path, resume=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"image,status\na.jpg,ok\n", r"its columns are \['image', 'status'\], and not"),
        ("a.csv", b"", r"its columns are \[\]"),
        ("a.jsonl", b'{"image": "a.jpg"}\n', "a line is not a row"),
        ("a.jsonl", b"{}}\n{}\n", "a.jsonl cannot be resumed"),
        ("a.parquet", b"PAR1 or not", "a.parquet cannot be resumed"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    write(path, ROWS)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        opened(path, resume=True)
    assert path.read_bytes() == content and not list(tmp_path.glob("*.partial"))


def test_damage_in_the_middle_is_no_torn_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(Crash), opened(path) as table:
        for row in ROWS:
            table.write(row)
        raise Crash
    partial = tmp_path / "a.jsonl.partial"
    damaged = partial.read_bytes().replace(b'{"image": "b.jpg"', b'{"image" "b.jpg"')
    partial.write_bytes(damaged)
    with pytest.raises(ValueError, match="a.jsonl.partial cannot be resumed"):
        opened(path, resume=True)
    assert partial.read_bytes() == damaged


def test_a_run_without_a_row_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Crash), opened(tmp_path / "a.csv"):
        raise Crash
    assert not list(tmp_path.iterdir())


def test_names_that_no_table_can_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder. Name a file"):
        opened(tmp_path)
    with pytest.raises(ValueError, match=r"ends in one of \('.csv', '.jsonl', '.parquet'\)"):
        opened(tmp_path / "a.xlsx")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        opened(tmp_path / "file" / "a.csv")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match="pip install pyarrow, or name .* .jsonl"):
        opened(tmp_path / "a.parquet")
