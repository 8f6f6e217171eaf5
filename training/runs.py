"""A run folder on disk: whether it is one, its configuration, its size."""

import os
from collections.abc import Sequence
from pathlib import Path

from pose_activity.artifacts.remote import require_local
from pose_activity.configs.loading import CONFIG, VERSIONS
from pose_activity.configs.sections import Run
from pose_activity.training import kinds

SEARCH = "search"  # the folder in a run's own that holds the trials of a search


def open_run(folder: Path, config: Path | None = None, overrides: Sequence[str] = ()) -> Run:
    """Reads the configuration that a run folder was last worked on with.

    Args:
        folder: A run folder; it may have been moved or copied.
        config: Another configuration to open it with.
        overrides: `key=value` each, as `kinds.load` takes them.

    Returns:
        The configuration, with `run_dir` set to `folder`.

    Raises:
        ValueError: the folder is not a run, or the configuration is wrong.
    """
    check_run(folder)
    run = kinds.load(config or folder / CONFIG, overrides)
    return run.model_copy(update={"run_dir": folder})


def check_run(folder: Path) -> None:
    """Refuses a folder that no step of train.py has written to.

    Raises:
        ValueError: `config.yaml` or `versions.json` is not in it.
    """
    require_local(folder, "--run")
    absent = [name for name in (CONFIG, VERSIONS) if not (folder / name).is_file()]
    if absent:
        raise ValueError(
            f"--run must be a folder that train.py wrote: it holds {CONFIG} and {VERSIONS}. "
            f"Received: {folder}, without {' and '.join(absent)}"
        )


def bytes_below(path: Path) -> int:
    """Returns the bytes of a file, or of all files below a folder; links are not followed."""
    if path.is_symlink() or not path.exists():
        return 0
    if path.is_file():
        return path.stat().st_size
    return sum(
        Path(folder, name).lstat().st_size for folder, _, names in os.walk(path) for name in names
    )
