"""What TensorFlow says when it starts, in processes of their own."""

import subprocess
import sys
from pathlib import Path

START = """
import os, sys
from pathlib import Path
from pose_activity.learning.tensorflow_start import start_tensorflow
os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
start_tensorflow(Path(sys.argv[1]))
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)  # refused once an operation ran
print(float(tf.constant(1.0) + 1))
os.write(2, b"a library's error\\n")
raise ValueError("Python's error")
"""
FAIL = """
import os, sys
from pathlib import Path
from pose_activity.learning.tensorflow_start import stderr_into
with stderr_into(Path(sys.argv[1])):
    os.write(2, b"a library's reason\\n")
    raise ImportError("it cannot be loaded")
"""


def run(script: str, log: Path, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, log]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", **options)


def test_the_terminal_shows_errors_but_no_start_up_lines(tmp_path: Path) -> None:
    done = run(START, tmp_path / "logs" / "tensorflow.txt")
    assert done.stdout == "2.0\n"
    first, *_, last = done.stderr.splitlines()
    assert first == "a library's error" and last == "ValueError: Python's error"
    assert (tmp_path / "logs" / "tensorflow.txt").is_file()


def test_what_was_written_before_an_error_is_shown(tmp_path: Path) -> None:
    done = run(FAIL, tmp_path / "log.txt")
    first, *_, last = done.stderr.splitlines()
    assert first == "a library's reason" and last == "ImportError: it cannot be loaded"


def test_a_closed_stderr_stays_closed(tmp_path: Path) -> None:
    (tmp_path / "fail.py").write_text(FAIL, encoding="utf-8")
    shell = f"exec {sys.executable} {tmp_path / 'fail.py'} {tmp_path / 'log.txt'} 2>&-"
    done = subprocess.run(shell, shell=True, stdout=subprocess.DEVNULL)
    assert done.returncode == 1 and not (tmp_path / "log.txt").exists()
