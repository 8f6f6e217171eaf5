"""Resumes a training, or restarts it if other settings are asked for now."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pose_activity.artifacts.manifest import StaleError
from pose_activity.artifacts.removal import remove
from pose_activity.learning.history import TRAINING_FILES
from pose_activity.training.console import say

Result = TypeVar("Result")


def resume_or_restart(train: Callable[[], Result], folder: Path) -> Result:
    """Trains; if `folder` holds files of another training, removes them first and says so.

    Args:
        train: Trains into `folder`; raises StaleError if that holds another training's files.
        folder: Of the training; other files in it stay.

    Raises:
        OSError: the other training could not be removed.
    """
    try:
        return train()
    except StaleError as stale:
        say(str(stale), mark="restarting:", style="yellow")
        for name in TRAINING_FILES:
            remove(folder / name)
        return train()
