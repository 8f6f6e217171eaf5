"""One writer per folder: an advisory lock that the system drops when the process dies.

The lock is a kernel lock on an open file, never the existence of a file, which would outlive
`kill -9`. The library filelock falls back to such a file by default, and it cannot hand a lock that
is held to a child process, which a run of several steps needs (`handed_on`).
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAME = ".lock"
_HANDED = "POSE_ACTIVITY_LOCK"  # in the environment: the handle of a lock that a parent holds
# How a lock that somebody else holds is reported; another error says nothing about that.
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}

if os.name == "nt":
    import msvcrt

    def _acquire(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _acquire(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Holds `folder`/.lock while the body runs; the kernel releases it even after kill -9.

    If a parent process holds this lock and handed it on, the lock is shared.

    Yields:
        The handle of the lock, for `handed_on`.

    Raises:
        BlockingIOError: another process is writing to `folder`.
        OSError: the file system of `folder` has no locks, or the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shared = _handed(folder / NAME)
    if shared is not None:
        yield shared
        return
    handle = _open_locked(folder)
    try:
        yield handle
    finally:
        os.close(handle)


def handed_on(handle: int) -> dict[str, Any]:
    """Returns keywords for `subprocess.Popen` that let a child share the lock of `handle`.

    On Windows a lock cannot be shared: while the child runs, there is only its own.
    """
    if os.name == "nt":
        return {}
    return {"pass_fds": (handle,), "env": {**os.environ, _HANDED: str(handle)}}


def is_locked(folder: Path) -> bool:
    """Returns whether a process holds the lock of `folder` now; writes nothing.

    Where the file system has no locks, nobody holds one.
    """
    try:
        handle = os.open(folder / NAME, os.O_RDWR)  # over NFS, a lock needs a file open to write
    except OSError:
        return False
    try:
        _acquire(handle)
    except OSError as error:
        return error.errno in _HELD
    finally:
        os.close(handle)
    return False


def _handed(path: Path) -> int | None:
    """Returns the handle of this lock that the parent process handed on, if it did."""
    try:
        handle = int(os.environ.get(_HANDED, ""))
        same = os.path.samestat(os.fstat(handle), path.stat())
    except (ValueError, OSError, OverflowError):
        return None
    return handle if same else None


def _open_locked(folder: Path) -> int:
    """Opens and locks `folder`/.lock."""
    while True:
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _acquire_soon(handle)
            if _is_at(handle, folder / NAME):
                return handle
        except OSError as error:
            os.close(handle)
            raise _explained(folder, error) from None
        os.close(handle)  # whoever held it before removed the folder


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return False


def _acquire_soon(handle: int) -> None:
    """Tries twice: an `is_locked` elsewhere holds the lock for an instant."""
    try:
        _acquire(handle)
    except OSError as error:
        if error.errno not in _HELD:
            raise
        time.sleep(0.05)
        _acquire(handle)


def _explained(folder: Path, error: OSError) -> OSError:
    if error.errno in _HELD:
        return BlockingIOError(
            f"{folder} is in use by another process. Wait for it, or choose another run_dir."
        )
    return OSError(
        f"A folder that is written to must be on a file system that can lock files. {folder} is "
        f"on one that cannot. Received: {error.strerror}. Choose a folder on a local disk, or "
        "have the file system mounted with locks (Lustre: -o flock)."
    )
