"""The project's commands, as a user calls them."""

import shutil
from pathlib import Path
from subprocess import CompletedProcess

from tests.forkserver import fresh_process, server

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {"stage1": "torch", "stage2": "tensorflow"}  # step -> what it may import


def call(script: str, *arguments: str | Path, fresh: bool = False) -> CompletedProcess[str]:
    """Runs a script of the project, such as `train.py`, in a fork that has imported its room's.

    `fresh` starts a process that has imported nothing, as a user does.
    """
    if fresh:
        return fresh_process(Path(script), *arguments)
    room = ROOMS.get(str(arguments[0]), "neither")
    return server(room).run(Path(script), *arguments)


def train_tiny(
    folder: Path, step: str, *arguments: str, fresh: bool = False
) -> CompletedProcess[str]:
    """Runs a step of `train.py` with the smallest configuration and network, in `folder`."""
    data = folder / "data"
    settings = {
        "run_dir": folder,
        "draw.folder": data,
        "data.annotations": data / "release.mat",
        "data.images": data / "images",
    }
    changed = [part for item in settings.items() for part in ("--set", "=".join(map(str, item)))]
    command = ("tests/train_small.py", step, "--config", "tests/tiny.yaml", *changed, *arguments)
    return call(*command, fresh=fresh)


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
