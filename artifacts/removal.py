"""Removes files and folders whole, or says which file is in the way."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

_HOOK = "onexc" if sys.version_info >= (3, 12) else "onerror"


def remove_tree(folder: Path) -> None:
    """Removes a folder with everything in it; a missing folder is not an error.

    For a link to a folder, the target is emptied and the link stays.

    Raises:
        OSError: something could not be removed; the message names it.
    """
    if folder.is_symlink():
        for path in folder.iterdir() if folder.is_dir() else ():
            remove(path)
    elif os.path.lexists(folder):
        hook: dict[str, Any] = {_HOOK: _explain}
        shutil.rmtree(folder, **hook)


def remove(path: Path) -> None:
    """Removes a file, a link or a folder; a missing one is not an error.

    Raises:
        OSError: something could not be removed; the message names it.
    """
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _explain(os.unlink, path, error)


def _explain(_: Any, name: str | Path, found: Any) -> None:
    """Says what could not be removed; `shutil.rmtree` gives a function, the path, the error."""
    error = found[1] if isinstance(found, tuple) else found
    if not isinstance(error, FileNotFoundError):  # else something else removed it first
        raise OSError(
            f"What other settings made must be removed first. {name} cannot be removed "
            f"({error.strerror}). Remove it yourself, then start again."
        ) from None
