"""TensorFlow's and CUDA's start-up lines go into a file instead of the user's terminal.

TensorFlow's C++ code writes to file descriptor 2 while it is imported and while it looks for
devices, even where all is well ("failed call to cuInit" on a machine without a GPU). What it writes
later, and what Python raises at any time, reaches the terminal.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def start_tensorflow(log: Path) -> None:
    """Imports TensorFlow and looks for its devices; call it before anything else imports Keras.

    Args:
        log: The file for what it writes meanwhile; replaced.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # later, too, no lines that only inform
    with stderr_into(log):
        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()  # unlike a first operation it does not fix the threads


@contextmanager
def stderr_into(path: Path) -> Iterator[None]:
    """Sends what this process and its libraries write to stderr into a file.

    An error in the block shows on stderr, after it, what was written until then.

    Args:
        path: The file; its folder is made, what it held is replaced.
    """
    if sys.stderr is None:  # closed by whoever started us: descriptor 2 may be any file
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    except BaseException:
        os.write(terminal, path.read_bytes())
        raise
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)
