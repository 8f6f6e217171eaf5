"""One writer a folder, and a killed one leaves no lock behind."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pose_activity.artifacts import lock
from pose_activity.artifacts.lock import handed_on, is_locked, locked

ROOT = Path(__file__).resolve().parents[2]


def test_a_second_writer_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    code = "\n".join(
        [
            "import sys, time; from pathlib import Path",
            "from pose_activity.artifacts.lock import locked",
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


@pytest.mark.parametrize("name", ["ENOLCK", "ENOSYS", "EOPNOTSUPP", "EINVAL"])
def test_a_file_system_without_locks_is_no_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))

    monkeypatch.setattr(lock, "_acquire", refuse)
    with pytest.raises(OSError, match=r"that can lock files.*Choose a folder on a local") as found:
        with locked(tmp_path):
            pass
    assert not isinstance(found.value, BlockingIOError)
    assert os.strerror(getattr(errno, name)) in str(found.value)
    assert not is_locked(tmp_path)


@pytest.mark.parametrize("name", ["EWOULDBLOCK", "EACCES"])
def test_a_lock_that_is_held_is_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))

    (tmp_path / ".lock").touch()
    monkeypatch.setattr(lock, "_acquire", refuse)
    assert is_locked(tmp_path)
    with pytest.raises(BlockingIOError, match="in use by another process"), locked(tmp_path):
        pass


def test_a_lock_is_of_the_folder_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is removed between opening and locking takes its lock file with it."""
    folder, real, removed = tmp_path / "run", lock._acquire, []

    def remove_first(handle: int) -> None:
        if not removed:
            removed.append(shutil.rmtree(folder))
        real(handle)

    monkeypatch.setattr(lock, "_acquire", remove_first)
    with locked(folder):
        assert (folder / ".lock").exists() and is_locked(folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot share a lock")
def test_a_child_shares_the_lock_that_it_was_handed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pose_activity.artifacts.lock import locked\n"
        "with locked(Path(sys.argv[1])): pass\n"
        "with locked(Path(sys.argv[1])): print('twice')"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with locked(tmp_path) as handle:
        shared = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
        assert "in use by another process" in shared.stderr
        handed = handed_on(handle)
        shared = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", **handed
        )
        assert shared.stdout == "twice\n", shared.stderr
        assert is_locked(tmp_path)  # the child's end is not ours
    # Somebody who only knows the number, or whose number is another file's, gets nothing.
    with locked(tmp_path / "other") as other, locked(tmp_path):
        handed = handed_on(other)
        shared = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", **handed
        )
        assert "in use by another process" in shared.stderr
