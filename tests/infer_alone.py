"""Uses a packaged model with an installation of the extra [infer] alone, as `make test-infer` does.

    python tests/infer_alone.py PYTHON MODEL PICTURE...

PYTHON is the interpreter of that installation; nothing of this folder is imported by it.
"""

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

LEFT_OUT = """
from importlib.util import find_spec
names = ("torch", "torchvision", "ultralytics", "tensorflow", "keras", "scipy", "pandas", "PIL",
         "matplotlib", "sklearn", "jinja2", "pyarrow", "yaml", "openvino")
there = [name for name in names if find_spec(name)]
assert not there, f"the extra [infer] must not bring {there}"
"""
INSTALLED = """
from importlib.metadata import distribution
files = distribution("pose-activity").files
tops = {file.parts[0] for file in files} - {".."}  # the command is beside site-packages
assert {name for name in tops if not name.endswith(".dist-info")} == {"pose_activity"}, tops
assert any(file.match("configs/folder.yaml") for file in files), "no configurations"
assert not [file for file in files if "tests" in file.parts or "benchmarks" in file.parts]
"""
THREE_LINES = """
import sys
from pose_activity import Classifier
c = Classifier(sys.argv[1])
print(c(sys.argv[2]).activity)
"""


def run(program: Path, *arguments: str | Path) -> str:
    """Runs a program away from the project's folder; returns what it printed."""
    with tempfile.TemporaryDirectory() as elsewhere:
        command = [str(program), *map(str, arguments)]
        done = subprocess.run(
            command, cwd=elsewhere, capture_output=True, text=True, encoding="utf-8"
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def main(python: Path, model: Path, pictures: list[Path]) -> None:
    """Classifies the pictures in every way that a user may, and compares."""
    command = python.parent / "pose-activity"
    run(python, "-c", LEFT_OUT)
    run(python, "-c", INSTALLED)
    with tempfile.TemporaryDirectory() as folder:
        table, page, drawn = (Path(folder, name) for name in ("rows.csv", "page.html", "drawn"))
        options = ("--out", table, "--gallery", page, "--draw", drawn, "--explain")
        print(run(command, "predict", *pictures, "--model", model, *options))
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [row["image"] for row in rows] == [str(picture) for picture in pictures]
        assert all(row["status"] in ("ok", "nobody") for row in rows), rows
        assert page.read_text(encoding="utf-8").count("<figure") == len(rows)
        assert len(list(drawn.glob("*.jpg"))) == len(pictures)
        assert list(drawn.glob("*.explained.png"))
    missing = subprocess.run([command, "train", "doctor"], capture_output=True, encoding="utf-8")
    assert missing.returncode and ".[train]" in missing.stdout, missing
    said = run(python, "-c", THREE_LINES, model, pictures[0])
    assert said.strip() == (rows[0]["activity"] or "None"), (said, rows[0])
    print(f"{len(rows)} pictures answered by {python} without a training library")


if __name__ == "__main__":
    own, model, *pictures = (Path(name).absolute() for name in sys.argv[1:])
    main(own, model, pictures)
