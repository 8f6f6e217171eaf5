"""Ctrl-C, once and twice.

Real signals are sent in processes of their own: one that has loaded OpenVINO and then ONNX Runtime,
as a test process may have, crashes on them.
"""

import subprocess
import sys

import pytest

from pose_activity.inference.interrupt import GracefulInterrupt
from tests.commands import ROOT

ONCE = """
before, taken = signal.getsignal(signal.SIGINT), []
with GracefulInterrupt() as stop:
    for item in stop.until(range(10)):
        taken.append(item)
        if item == 3:
            signal.raise_signal(signal.SIGINT)
print(taken, stop.asked, signal.getsignal(signal.SIGINT) == before)
"""
TWICE = """
before = signal.getsignal(signal.SIGINT)
try:
    with GracefulInterrupt():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("aborted", signal.getsignal(signal.SIGINT) == before)
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [(ONCE, "[0, 1, 2, 3] True True"), (TWICE, "aborted True")],
    ids=["once ends the input", "twice aborts"],
)
def test_ctrl_c(script: str, said: str) -> None:
    command = [
        sys.executable,
        "-c",
        f"import signal\nfrom pose_activity.inference.interrupt import GracefulInterrupt\n{script}",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.stdout.strip() == said, done.stderr


def test_nobody_stops() -> None:
    with GracefulInterrupt() as stop:
        assert list(stop.until("abc")) == ["a", "b", "c"] and not stop.asked
