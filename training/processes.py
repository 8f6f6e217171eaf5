"""A step in a process of its own, which ends when the process that started it does.

On Windows Ctrl-C reaches both by itself; a parent that is killed there leaves the step alone.
"""

import os
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any

from pose_activity.artifacts.lock import handed_on

_PARENT = "POSE_ACTIVITY_PARENT"  # in the environment: a pipe that closes when the parent ends
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # requests to stop; Windows has no SIGHUP
_SAME_S = 2.0  # one Ctrl-C reaches a step twice: from the terminal, and through the parent
_LOOK_S = 1.0  # between two questions whether a step is to be stopped
GRACE_S = 10.0  # for a step to stop by itself


def call(command: Sequence[str], *, lock: int, is_enough: Callable[[], bool] | None = None) -> int:
    """Runs a command to its end; a signal to stop is passed on to it, and it is waited for.

    Args:
        command: Of a Python program that calls `follow_parent`.
        lock: The handle of a lock that the command shares, see `artifacts.lock`.
        is_enough: Asked every second; the command is told to stop once it is true.

    Returns:
        The exit code; 128 + N where signal N ended it.
    """
    if os.name == "nt":
        code = _wait(subprocess.Popen(command), is_enough)
    else:
        ours, ends = os.pipe()
        shared = handed_on(lock)
        shared["env"] |= {_PARENT: str(ours)}
        shared["pass_fds"] += (ours,)
        try:
            code = _wait(subprocess.Popen(command, **shared), is_enough)
        finally:
            os.close(ours)
            os.close(ends)
    return 128 - code if code < 0 else code


class Interruption(KeyboardInterrupt):
    """A request to stop.

    Attributes:
        code: Exit code of a process that stops because of it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


def stop_on_signals() -> None:
    """Lets SIGTERM and SIGHUP stop this process as Ctrl-C does, by an `Interruption`.

    If it has not stopped `GRACE_S` later, it is ended. An `Interruption` may come late, while a
    library computes for long, or be lost in one of those that Python calls for it to clean up.
    """
    last = -_SAME_S

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if time.monotonic() - last >= _SAME_S:
            last = time.monotonic()
            raise Interruption(number)

    for number in _heeded():
        signal.signal(number, stop)
    if os.name != "nt":
        _end_if_it_does_not_stop()


def follow_parent() -> None:
    """Stops this process when the parent that started it with `call` is gone, even by kill -9."""
    try:
        handle = int(os.environ.pop(_PARENT, ""))
        if not stat.S_ISFIFO(os.fstat(handle).st_mode):
            return
    except (ValueError, OSError, OverflowError):
        return
    os.set_inheritable(handle, False)
    threading.Thread(target=_stop_at_end_of, args=(handle,), daemon=True).start()


def _stop_at_end_of(handle: int) -> None:
    os.read(handle, 1)  # nobody writes: it returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(128 + signal.SIGTERM)  # as above, where `stop_on_signals` was not called


@cache
def _end_if_it_does_not_stop() -> None:
    """Notices signals in a thread: in the main one Python is told of them between its own steps."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)

    def wait() -> None:
        while (number := os.read(ours, 1)[0]) not in _heeded():
            pass
        time.sleep(GRACE_S)
        os._exit(128 + number)  # every file is whole or absent at any time

    threading.Thread(target=wait, daemon=True).start()


def _wait(child: subprocess.Popen[Any], is_enough: Callable[[], bool] | None) -> int:
    with _passing_on(child):
        while is_enough:
            try:
                return child.wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                if is_enough():
                    child.terminate()
                    break
        return child.wait()


@contextmanager
def _passing_on(child: subprocess.Popen[Any]) -> Iterator[None]:
    def pass_on(number: int, frame: FrameType | None) -> None:
        if os.name != "nt":
            child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in _heeded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heeded() -> list[int]:
    """Returns the signals that stop a process, but those that it was told to ignore (nohup)."""
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
