"""A step stops when it is told to, when its parent is told to, and when its parent is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pose_activity.artifacts.lock import is_locked, locked
from pose_activity.training import processes
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")

CHILD = """
import sys, time
from pathlib import Path
from pose_activity.artifacts.lock import locked
from pose_activity.training import processes
processes._SAME_S = 60.0  # a busy machine passes a signal on later
processes.stop_on_signals()
processes.follow_parent()
out = Path(sys.argv[1])
try:
    with locked(out):
        (out / "begun").touch()
        for _ in range(600):
            time.sleep(0.1)
except processes.Interruption as stop:
    (out / "stopped").write_text(str(stop.code), encoding="utf-8")
    time.sleep(0.5)  # the same request may come again meanwhile
    (out / "cleaned").touch()
    sys.exit(stop.code)
"""
PARENT = """
import sys
from pathlib import Path
from pose_activity.artifacts.lock import locked
from pose_activity.training import processes
with locked(Path(sys.argv[1])) as lock:
    sys.exit(processes.call([sys.executable, "-c", sys.argv[2], sys.argv[1]], lock=lock))
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen]:
    """A process with a step in a process of its own, in a group of their own; both are busy."""
    command = [sys.executable, "-c", PARENT, str(tmp_path), CHILD]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
        wait_for((tmp_path / "begun").exists)
        yield process
        if process.poll() is None:
            process.kill()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("whole_group", [True, False])
def test_a_signal_reaches_the_step_once(
    parent: subprocess.Popen, tmp_path: Path, name: str, whole_group: bool
) -> None:
    """A terminal sends Ctrl-C to both, a job system often to the parent alone."""
    number = getattr(signal, name)
    os.killpg(parent.pid, number) if whole_group else parent.send_signal(number)
    assert parent.wait(60) == 128 + number
    assert (tmp_path / "stopped").read_text(encoding="utf-8") == str(128 + number)
    assert (tmp_path / "cleaned").exists()
    assert not is_locked(tmp_path)


def test_the_step_ends_with_a_parent_that_is_killed(
    parent: subprocess.Popen, tmp_path: Path
) -> None:
    assert is_locked(tmp_path)
    parent.kill()
    wait_for((tmp_path / "cleaned").exists)
    wait_for(lambda: not is_locked(tmp_path))


def test_the_lock_is_held_between_two_steps(tmp_path: Path) -> None:
    step = "import sys; from pathlib import Path; from pose_activity.artifacts.lock import locked\n"
    step += "with locked(Path(sys.argv[1])): print('step')"
    code = (
        "import sys; from pathlib import Path; from pose_activity.artifacts.lock import locked\n"
        "from pose_activity.training import processes\n"
        "with locked(Path(sys.argv[1])) as lock:\n"
        "    one = [sys.executable, '-c', sys.argv[2], sys.argv[1]]\n"
        "    print(processes.call(one, lock=lock), flush=True)\n"
        "    input()\n"
        "    print(processes.call(one, lock=lock), flush=True)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), step]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "step\n" and process.stdout.readline() == "0\n"
        with pytest.raises(BlockingIOError), locked(tmp_path):
            pass
        out, _ = process.communicate("\n")
        assert out == "step\n0\n"


def test_a_step_that_dies_is_a_failure(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    command = [sys.executable, "-c", PARENT, str(tmp_path), code]
    assert subprocess.run(command, cwd=ROOT).returncode == 128 + signal.SIGKILL


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + CHILD
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT) as process:
        wait_for((tmp_path / "begun").exists)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert process.poll() is None
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM


def test_a_step_is_stopped_once_it_is_enough(tmp_path: Path) -> None:
    looks = []

    def is_enough() -> bool:
        looks.append((tmp_path / "begun").exists())
        return looks[-1]

    with locked(tmp_path) as lock:
        command = [sys.executable, "-c", CHILD, str(tmp_path)]
        code = processes.call(command, lock=lock, is_enough=is_enough)
    assert code == 128 + signal.SIGTERM and (tmp_path / "cleaned").exists()
    assert looks.count(True) == 1


def test_a_step_that_loses_the_request_is_ended(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from pose_activity.training import processes\n"
        "processes.GRACE_S = 0.5\n"
        "processes.stop_on_signals()\n"
        "Path(sys.argv[1], 'begun').touch()\n"
        "while True:\n"
        "    try: time.sleep(60)\n"
        "    except processes.Interruption: pass\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT) as process:
        wait_for((tmp_path / "begun").exists)
        process.terminate()
        assert process.wait(20) == 128 + signal.SIGTERM
