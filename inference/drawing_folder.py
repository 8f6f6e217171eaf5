"""A folder that drawings are written into, perhaps by several processes at a time.

Each holds a shared lock on the folder itself, which the system drops when the process dies; nothing
is written for it. Who gets the folder alone for a moment knows that nobody is writing there, and
removes what killed processes left half-written.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pose_activity.artifacts.atomic import is_temporary

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and so nothing removed
    fcntl = None

_DRAWN = {".jpg", ".png", ".mp4", ".webm"}
_PATIENCE = 100  # times 0.05 seconds; another holds the folder alone for an instant


@contextmanager
def drawing_in(folder: Path) -> Iterator[None]:
    """Makes a folder and holds it while the body draws into it.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = _open(folder)
    try:
        if handle is not None and fcntl and _take(handle, fcntl.LOCK_EX):
            for path in folder.iterdir():
                if path.suffix in _DRAWN and is_temporary(path.name):
                    path.unlink(missing_ok=True)
        _share(handle)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _open(folder: Path) -> int | None:
    try:
        return os.open(folder, os.O_RDONLY) if fcntl else None
    except OSError:  # may be written to, not listed
        return None


def _share(handle: int | None) -> None:
    for _ in range(_PATIENCE):
        if handle is None or not fcntl or _take(handle, fcntl.LOCK_SH):
            return
        time.sleep(0.05)


def _take(handle: int, kind: int) -> bool:
    """Returns whether a lock was had; some file systems know none."""
    if not fcntl:
        return False
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
