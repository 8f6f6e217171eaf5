"""One writer a folder: an advisory lock that the system drops when the process dies."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if os.name == "nt":
    import msvcrt

    def _acquire(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _acquire(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder`/.lock while the body runs; the kernel releases it even after kill -9.

    Raises:
        BlockingIOError: another process is writing to `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire_soon(handle)
    except OSError:
        os.close(handle)
        raise BlockingIOError(
            f"{folder} is in use by another process. Wait for it, or choose another run_dir."
        ) from None
    try:
        yield
    finally:
        os.close(handle)


def is_locked(folder: Path) -> bool:
    """Tells whether a process holds the lock of `folder` now; writes nothing."""
    try:
        handle = os.open(folder / ".lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        _acquire(handle)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _acquire_soon(handle: int) -> None:
    """Tries twice: an `is_locked` elsewhere holds the lock for an instant."""
    try:
        _acquire(handle)
    except OSError:
        time.sleep(0.05)
        _acquire(handle)
