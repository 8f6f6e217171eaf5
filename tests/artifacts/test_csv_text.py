"""Cells that no spreadsheet takes for a formula, and that come back as they were."""

import csv
import io
import random
from pathlib import Path

import pytest

from pose_activity.artifacts import csv_text

FORMULAS = [
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "-",
    "-x.jpg",
    "'=1",
    "''+1",
]
HARMLESS = ["", "a", "'", "'a", "a=1", "Küche", "x,y", "it's", '"q"', " =1"]
NUMBERS = ["-0.5", "+1", "-1e-05", "-3", "-.5", "-1.5 2.0 30.0 4.5", "1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_made_harmless(text: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_text.as_text([[text]]), newline=""))
    assert row == [f"'{text}"]


@pytest.mark.parametrize("text", HARMLESS + NUMBERS)
def test_other_cells_stay(text: str) -> None:
    (row,) = csv.reader(csv_text.as_text([[text, 1]]).splitlines(keepends=True))
    assert row == [text, "1"]


def test_numbers_and_nothing_stay() -> None:
    assert csv_text.as_text([[-1, -0.5, None, True]]) == "-1,-0.5,,True\r\n"


def test_every_text_comes_back() -> None:
    draw = random.Random(0)
    letters = "'=+-@\t\r\n＝a1. \",;"
    texts = ["".join(draw.choices(letters, k=draw.randint(0, 6))) for _ in range(3000)]
    rows = [[text, "x"] for text in texts + FORMULAS + HARMLESS + NUMBERS]
    assert [*csv_text.read(io.StringIO(csv_text.as_text(rows), newline=""))] == rows


def test_every_csv_file_is_written_here() -> None:
    root = Path(csv_text.__file__).resolve().parents[1]
    files = [root / "train.py", root / "infer.py", *root.glob("[a-z]*/**/*.py")]
    texts = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in files
        if path.relative_to(root).parts[0] not in {"tests", "benchmarks", "runs"}
    }
    assert len(texts) > 100
    found = [name for name, text in texts.items() if "csv.writer(" in text or "DictWriter(" in text]
    assert found == ["artifacts/csv_text.py"]


def test_files_of_one_header_become_one_file(tmp_path: Path) -> None:
    parts, rows = [tmp_path / name for name in "abc"], ["=1", "a\nb", "c"]
    for path, cells in zip(parts, [rows[:2], [], rows[2:]], strict=True):
        path.write_bytes(csv_text.as_text([["name"], *([cell] for cell in cells)]).encode())
    whole = csv_text.as_text([["name"], *([cell] for cell in rows)]).encode()
    assert csv_text.joined(parts) == whole
