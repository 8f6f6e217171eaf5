"""The project's commands, as a user calls them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def call(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs `train.py` or `infer.py`."""
    command = [sys.executable, script, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def train_tiny(folder: Path, step: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a step of `train.py` with the smallest configuration, in `folder`."""
    data = folder / "data"
    settings = {
        "run_dir": folder,
        "draw.folder": data,
        "data.annotations": data / "release.mat",
        "data.images": data / "images",
    }
    changed = [part for item in settings.items() for part in ("--set", "=".join(map(str, item)))]
    return call("train.py", step, "--config", "tests/tiny.yaml", *changed, *arguments)
