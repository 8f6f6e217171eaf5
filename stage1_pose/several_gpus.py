"""Training in one process per GPU: how its processes are started, watched and ended.

ultralytics writes a program for them, with the trainer's class and its callbacks as a pickle in a
private folder, and `torch.distributed.run` starts it. A callback that holds a progress bar or a log
cannot travel there: what a training has done is read from its table instead. The processes of
`torch.distributed.run` are not in our process group, so that they end only if they are told to.
Imports neither torch nor ultralytics.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psutil

LOOK_S = 2.0  # between two looks at the table


def run(command: Sequence[str]) -> None:
    """Runs what ultralytics prepared, to its end; an interruption of this process ends it too.

    Raises:
        RuntimeError: it failed.
    """
    with subprocess.Popen(command) as launcher:
        try:
            code = launcher.wait()
        except BaseException:
            launcher.terminate()  # it ends its processes first, then itself
            launcher.wait()
            raise
    if code:
        raise RuntimeError(
            f"Training on several GPUs ended with exit code {code}; what its processes said is "
            "above. Try one GPU (device: 0), or a smaller batch."
        )


def end_with(parent: int) -> None:
    """Ends this process when another one is gone, even by SIGKILL.

    The next training must not have an earlier one's processes as writers beside it.

    Args:
        parent: Number of the process that called `run`.
    """

    def follow() -> None:
        try:
            psutil.Process(parent).wait()
        finally:  # gone, perhaps before it could be looked at
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def looking(look: Callable[[], None], *, every: float = LOOK_S) -> Iterator[None]:
    """Calls `look` again and again while the body runs, in a thread, and once at its end."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(every):
            look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    look()
