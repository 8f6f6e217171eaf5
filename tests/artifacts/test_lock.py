"""One writer a folder, and a killed one leaves no lock behind."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from artifacts.lock import is_locked, locked

ROOT = Path(__file__).resolve().parents[2]


def test_a_second_writer_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    code = "\n".join(
        [
            "import sys, time; from pathlib import Path; from artifacts.lock import locked",
            "with locked(Path(sys.argv[1])): print('in', flush=True); time.sleep(60)",
        ]
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "in\n"
        with pytest.raises(BlockingIOError, match="in use by another process"):
            with locked(tmp_path):
                pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with locked(tmp_path):
        pass


def test_a_look_at_the_lock_writes_nothing(tmp_path: Path) -> None:
    assert not is_locked(tmp_path) and not is_locked(tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())
    with locked(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)
