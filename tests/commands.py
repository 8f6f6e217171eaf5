"""The project's commands, as a user calls them."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def call(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a script of the project, such as `train.py`."""
    command = [sys.executable, script, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")


def train_tiny(folder: Path, step: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a step of `train.py` with the smallest configuration and network, in `folder`."""
    data = folder / "data"
    settings = {
        "run_dir": folder,
        "draw.folder": data,
        "data.annotations": data / "release.mat",
        "data.images": data / "images",
    }
    changed = [part for item in settings.items() for part in ("--set", "=".join(map(str, item)))]
    return call("tests/train_small.py", step, "--config", "tests/tiny.yaml", *changed, *arguments)


def copy_of(tiny_run: Path, tmp_path: Path) -> Path:
    """Copies a run, without its drawn data set, to a place where a test may change it."""
    shutil.copytree(tiny_run, tmp_path / "copy", ignore=shutil.ignore_patterns("data"))
    return tmp_path / "copy"


def drawn_in(tiny_run: Path) -> tuple[str, ...]:
    """Settings that leave the drawn data set where `tiny_run` has it."""
    data = tiny_run / "data"
    settings = {
        "draw.folder": data,
        "data.annotations": data / "release.mat",
        "data.images": data / "images",
    }
    return tuple(part for item in settings.items() for part in ("--set", "=".join(map(str, item))))
