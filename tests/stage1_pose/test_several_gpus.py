"""Training in a process per GPU: on two processes of the CPU, whose program ultralytics writes."""

import csv
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from pose_activity.annotations.readers.yolo import write_yolo
from pose_activity.annotations.skeleton import MPII16
from pose_activity.stage1_pose import several_gpus
from pose_activity.stage1_pose.options import PoseFit, count_gpus
from tests.forkserver import fresh_process
from tests.stage1_pose.conftest import RunPython, drawn_samples
from tests.stage1_pose.test_resumable_trainer import DIGESTS, START

CHILD = Path(__file__).with_name("children") / "child_two_processes.py"


@pytest.mark.slow
def test_two_processes_train_and_a_killed_training_ends_as_one_that_was_not(
    run_python: RunPython, tmp_path: Path
) -> None:
    own = {"HOME": str(tmp_path / "home"), "MPLCONFIGDIR": str(tmp_path / "mpl")}
    data = write_yolo(drawn_samples(tmp_path / "in", 16), tmp_path / "yolo", skeleton=MPII16)
    start, processes = tmp_path / "start.pt", tmp_path / "processes"
    run_python(START, start, **own)
    processes.mkdir()

    def train(out: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**own, "PROCESSES": str(processes), **more}
        return fresh_process(CHILD, data, start, tmp_path / out, **environment)

    whole = train("whole")
    assert whole.returncode == 0, whole.stderr
    assert len([*processes.iterdir()]) == 2
    assert json.loads(whole.stdout.splitlines()[-1])[-1][:2] == [3, 3]
    assert [*(tmp_path / "whole-logs").iterdir()]

    assert train("killed", KILLED_AFTER="2").returncode == -signal.SIGKILL
    workers = [psutil.Process(int(p.name)) for p in processes.iterdir() if _is_there(p.name)]
    assert psutil.wait_procs(workers, timeout=20)[1] == []  # they end with their parent
    again = train("killed")
    assert again.returncode == 0, again.stderr
    notes = [
        json.loads((tmp_path / out / "fitted.json").read_text(encoding="utf-8"))
        for out in ("whole", "killed")
    ]
    assert [note["resumed"] for note in notes] == [[], [2]]
    tables = [_rows(tmp_path / out / "round1" / "results.csv") for out in ("whole", "killed")]
    assert tables[0] == tables[1] and len(tables[0]) == 3
    best = [tmp_path / out / "best.pt" for out in ("whole", "killed")]
    digests = json.loads(run_python(DIGESTS, *best, **own).splitlines()[-1])
    assert len(set(digests.values())) == 1


def _is_there(pid: str) -> bool:
    return psutil.pid_exists(int(pid))


def _rows(table: Path) -> list[dict[str, str]]:
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    return [{name: value for name, value in row.items() if name.strip() != "time"} for row in rows]


def test_an_interruption_ends_what_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "ended"
    script = (
        "import pathlib, signal, sys, time\n"
        f"end = lambda *_: (pathlib.Path({str(note)!r}).touch(), sys.exit(0))\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"pathlib.Path({str(tmp_path / 'begun')!r}).touch()\n"
        "time.sleep(60)\n"
    )

    class Interrupted(subprocess.Popen):
        """A wait of which is interrupted once; a real SIGINT would reach pytest's own threads."""

        def wait(self, timeout: float | None = None) -> int:
            monkeypatch.undo()
            while not (tmp_path / "begun").exists():
                time.sleep(0.01)
            self.wait = super().wait
            raise KeyboardInterrupt

    monkeypatch.setattr("pose_activity.stage1_pose.several_gpus.subprocess.Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        several_gpus.run([sys.executable, "-S", "-c", script])
    assert note.exists()


def test_a_failure_is_an_error_with_a_way_out() -> None:
    with pytest.raises(RuntimeError, match="ended with exit code 3; .* Try one GPU"):
        several_gpus.run([sys.executable, "-S", "-c", "raise SystemExit(3)"])


def test_a_table_is_looked_at_until_the_end() -> None:
    looks, twice = 0, threading.Event()

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            twice.set()

    with several_gpus.looking(look, every=0.001):
        assert twice.wait(10)
    after = looks
    assert after > 2  # once more at the end
    time.sleep(0.01)
    assert looks == after


@pytest.mark.parametrize(
    ("device", "count"), [(None, 1), ("cpu", 1), ("0", 1), ("0,1", 2), ("0, 1, 3,", 3)]
)
def test_gpus_are_counted(device: str | None, count: int) -> None:
    assert count_gpus(device) == count


def test_a_batch_that_gpus_cannot_share_is_refused() -> None:
    with pytest.raises(ValueError, match="a multiple of the 3 GPUs of device. Received: 16"):
        PoseFit(device="0,1,2", batch=16)
