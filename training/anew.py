"""A training that goes on where it was, or begins anew where it was asked for otherwise."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rich.markup import escape

from artifacts.manifest import StaleError
from training.say import console

Result = TypeVar("Result")


def go_on_or_begin_anew(train: Callable[[], Result], folder: Path) -> Result:
    """Trains; where `folder` holds the rest of another training, removes it first and says so.

    Args:
        train: Trains into `folder`; raises StaleError where that is another training's.
        folder: Of the training.
    """
    try:
        return train()
    except StaleError as stale:
        console.print(
            f"[yellow]beginning anew:[/] {escape(str(stale))}", soft_wrap=True, highlight=False
        )
        old = folder.with_name(f".old-{folder.name}")  # renamed first: a kill leaves no half of it
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(folder.rename(old))
        return train()
