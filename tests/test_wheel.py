"""What `pip install` brings: every room and its files, and a command that works from a wheel."""

import os
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "setuptools"
]
TRAINING_ALONE = """
import sys
from importlib import import_module
from pathlib import Path
for name in ("torch", "tensorflow", "keras", "ultralytics", "scipy", "sklearn", "pandas", "PIL",
             "matplotlib", "jinja2", "pyarrow", "yaml", "pydantic", "psutil", "packaging", "onnx"):
    sys.modules[name] = None  # importing it raises ImportError
root = Path(sys.argv[1])
for path in sorted((root / "inference").rglob("*.py")):
    if path.name != "__init__.py":
        import_module(".".join(("pose_activity", *path.relative_to(root).with_suffix("").parts)))
"""
LEFT_OUT = {"runs", "tests", "benchmarks", "build"}  # and hidden folders
NPM = Path("serving", "web")  # what `make web` reads, in a checkout


def in_rooms(pattern: str) -> list[Path]:
    found = (path.relative_to(ROOT) for path in ROOT.glob(f"*/**/{pattern}"))
    return [p for p in found if p.parts[0] not in LEFT_OUT and not p.parts[0].startswith(".")]


def package_of(folder: Path) -> str:
    return ".".join(("pose_activity", *folder.parts))


def room_of(path: Path) -> Path:
    """The folder of the package that a file belongs to: its own, or one above it."""
    return next(folder for folder in path.parents if (ROOT / folder / "__init__.py").is_file())


def test_every_room_is_a_package_of_the_wheel() -> None:
    rooms = {package_of(path.parent) for path in in_rooms("__init__.py")}
    assert sorted(SETTINGS["packages"]) == sorted({"pose_activity", *rooms})


def test_every_file_that_is_read_at_run_time_is_in_the_wheel() -> None:
    endings = ("*.yaml", "*.j2", "*.html", "*.css", "*.js", "*.json", "*.svg")
    data = [path for ending in endings for path in in_rooms(ending) if path.parts[0] != "docs"]
    assert len(data) > 10
    for path in data:
        if path.parent == NPM:
            continue
        room = room_of(path)
        patterns = SETTINGS["package-data"].get(package_of(room), [])
        inside = path.relative_to(room).as_posix()
        assert any(fnmatch(inside, pattern) for pattern in patterns), path


def test_prediction_imports_nothing_that_only_training_brings() -> None:
    command = [sys.executable, "-c", TRAINING_ALONE, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_command_trains_from_a_wheel_in_another_folder(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path]
    subprocess.run([*build, copy_of_the_project(tmp_path / "sources")], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    tops = {path.name for path in (tmp_path / "installed").iterdir()}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"pose_activity"}

    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    code = "import sys; from pose_activity import command; print(command.__file__); command.main()"
    for arguments in (["train", "doctor"], ["train", "annotations", "--config", "demo"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert Path(done.stdout.splitlines()[0]).is_relative_to(tmp_path / "installed")
    assert (tmp_path / "runs" / "demo" / "annotations" / "manifest.json").is_file()


def copy_of_the_project(folder: Path) -> Path:
    """Copies what a wheel is built from, so that building leaves nothing in the project."""
    rooms = {path.parts[0] for path in in_rooms("__init__.py")}
    folder.mkdir()
    for name in sorted(rooms):
        for path in (ROOT / name).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                target = folder / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    for path in ROOT.iterdir():
        if path.suffix in (".py", ".toml", ".md", ".typed") or path.name == "LICENSE":
            (folder / path.name).write_bytes(path.read_bytes())
    return folder
