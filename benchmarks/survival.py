"""Kills every step of every kind of run and starts it again: python benchmarks/survival.py.

Per step of the miniature runs of `survival_cases`: SIGKILL and SIGTERM at random moments of the
step's own work, a full disk (a limit on the size of files), data that are gone, a run folder that
cannot be written to. After each, no file may be half written under its final name; then the same
command has to finish, and what it leaves is compared, byte for byte, with what an uninterrupted run
left. Steps run in forks of processes that have imported the large libraries already, so that
moments are not drawn over imports; moments are of CPU time, so that what else runs on the machine
does not move them.

Trials are kept in WORK/trials.jsonl: a second call goes on with what is missing. Writes
`results/survival.json`: `tried`, `survived` and `identical` per step.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Annotated, cast

import typer
from survival_cases import CASES, SMALL_NETWORK, Case, Step
from survival_files import broken_files, digests_of

from pose_activity import infer, train
from pose_activity.artifacts import atomic
from pose_activity.artifacts.removal import remove, remove_tree
from pose_activity.terminal import run_program

ROOT = Path(__file__).resolve().parents[1]
# Engines are not imported: what ONNX Runtime starts does not outlive a fork.
ROOMS = {
    "light": (
        *("matplotlib.backends.backend_agg", "matplotlib.figure"),
        *("pose_activity.training.pictures.labels", "pose_activity.training.pictures.report"),
        *("pose_activity.training.clips.report", "pose_activity.training.parts.report"),
    ),
    "torch": (
        *("torch", "torch._inductor.config", "albumentations", "matplotlib.pyplot", "polars"),
        "pose_activity.training.pictures.stage1",
    ),
    "keras": (
        *("keras", "tensorflow", "tf2onnx", "albumentations"),
        *("pose_activity.learning.loop", "pose_activity.training.pictures.train"),
        *("pose_activity.training.clips.train", "pose_activity.training.parts.train"),
    ),
}
FIRST_KILLS = 3  # of every step, before it is stopped in other ways
TRIALS = {"SIGKILL": 10, "SIGTERM": 1, "full disk": 1, "no data": 1, "read only": 1}
ENDS_S = 30.0  # in which a step must end after SIGTERM
NOBODY = 65534  # a user to whom the run folder is read-only; root may write anywhere


@dataclass(frozen=True)
class Trial:
    """One step that was stopped and started again.

    Attributes:
        case: A key of `CASES`.
        step: Name of one of its steps.
        how: A key of `TRIALS`.
        at: Seconds of its CPU time when it was sent a signal; bytes that files were limited to.
        survived: Whether it ended in time, left no half file, and finished when started again.
        identical: Whether it then left what an uninterrupted run leaves.
        why: What was wrong, else empty.
    """

    case: str
    step: str
    how: str
    at: float
    survived: bool
    identical: bool
    why: str


class Room:
    """A process with libraries imported, which forks for each step."""

    def __init__(self, name: str, work: Path) -> None:
        self.log = work / f"{name}.log"
        own = {"XDG_CACHE_HOME": str(work / "user_cache"), "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", name],
            env={**os.environ, **own},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def call(self, arguments: list[str], **asked: float | str) -> tuple[int, float]:
        """Runs a command in a fork.

        Args:
            arguments: See `survival_cases.Step.arguments`.
            **asked: `after` (CPU seconds) and `signal`, `largest` (bytes of a file), `user`.

        Returns:
            Its exit code, negative of a signal, and the seconds of CPU time that it took; of a
            process that got a signal, the seconds until it ended.
        """
        line = json.dumps({"arguments": arguments, "log": str(self.log), **asked})
        print(line, file=self._process.stdin, flush=True)
        code, seconds = json.loads(cast(IO[str], self._process.stdout).readline())
        return code, seconds

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def serve(name: str) -> None:
    """Is the process of a room."""
    sys.path.append(str(ROOT / SMALL_NETWORK))
    for library in ROOMS[name]:
        import_module(library)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            _become(asked)
            return
        print(json.dumps(_end_of(child, asked)), flush=True)


def _become(asked: dict) -> None:
    """Runs a command in this process, a fork."""
    os.setsid()
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for number, opened in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(opened, number)
    if "largest" in asked:
        import resource

        largest = int(asked["largest"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    if "user" in asked:
        os.setgroups([])
        os.setgid(int(asked["user"]))
        os.setuid(int(asked["user"]))
    from pose_activity.backbones import registry

    registry.MODELS["efficientnet_lite0"] = "tiny_model"
    program, *arguments = asked["arguments"]
    sys.argv = [f"{program}.py", *arguments]
    run_program(train.app if program == "train" else lambda: typer.run(infer.main))


def _end_of(child: int, asked: dict) -> tuple[int, float]:
    """Waits for a child, sends it its signal; returns what `Room.call` does."""
    sent = None
    while True:
        found, status, used = os.wait4(child, os.WNOHANG)
        if found:
            seconds = time.monotonic() - sent if sent else used.ru_utime + used.ru_stime
            return os.waitstatus_to_exitcode(status), seconds
        if "after" in asked and not sent and _cpu_seconds(child) >= asked["after"]:
            time.sleep(random.uniform(0, 0.01))  # the kernel counts in steps of 10 ms
            os.killpg(child, int(asked["signal"]))
            sent = time.monotonic()
        if sent and time.monotonic() - sent > ENDS_S:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.002)


def _cpu_seconds(process: int) -> float:
    """Returns the CPU time that a process has taken, all its threads together."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def whole_run(name: str, case: Case, work: Path, rooms: dict[str, Room]) -> dict[str, float]:
    """Makes the uninterrupted run, unless it is there; returns the seconds of each step."""
    folder, times = work / name, work / name / "times.json"
    if not times.exists():
        remove_tree(folder)
        case.prepare(folder)
        seconds = {}
        for step in case.steps:
            code, seconds[step.name] = rooms[step.room].call(step.arguments(folder))
            if code:
                text = rooms[step.room].log.read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"{name}, {step.name}: exit code {code}\n{text}")
        (folder / "run").rename(folder / "whole")
        atomic.write_json(times, seconds)
    return json.loads(times.read_text(encoding="utf-8"))


def before(step: Step, case: Case, folder: Path) -> None:
    """Puts the run folder into the state before a step; what the first one draws is not there."""
    run, names = folder / "run", [each.name for each in case.steps]
    if step.name == names[0] and case.draws:
        remove_tree(folder / "data")
    if run.exists():
        subprocess.run(["chmod", "-R", "u+w", run], check=True)
        shutil.rmtree(run)
    shutil.copytree(folder / "whole", run, symlinks=True)
    for each in case.steps[names.index(step.name) :]:
        remove(result_of(each, run))
    for path in run.glob("rows.csv*"):
        path.unlink()


def attempt(
    name: str, case: Case, step: Step, how: str, seconds: float, work: Path, room: Room
) -> Trial | None:
    """Stops a step and starts it again; None where it was finished before it could be stopped."""
    folder, data = work / name, work / name / "data"
    before(step, case, folder)
    asked: dict[str, float | str] = {}
    at = random.uniform(0, seconds)
    if how in ("SIGKILL", "SIGTERM"):
        asked = {"after": at, "signal": int(signal.Signals[how])}
    elif how == "full disk":
        at = _largest(result_of(step, folder / "whole")) ** random.uniform(0.5, 1)
        asked = {"largest": at}
    elif how == "read only":
        subprocess.run(["chmod", "-R", "a-w", folder / "run"], check=True)
        asked = {"user": NOBODY} if os.getuid() == 0 else {}
    gone = data.with_name("data.gone")
    if how == "no data":
        data.rename(gone)
    try:
        code, took = room.call(step.arguments(folder), **asked)
    finally:
        if gone.exists():
            remove_tree(data)
            gone.rename(data)
        subprocess.run(["chmod", "-R", "u+w", folder / "run"], check=True)
    if code == 0 and how != "no data":
        return None
    told = room.log.read_text(encoding="utf-8", errors="replace")
    wrong = [f"half written: {path}" for path in broken_files(folder / "run")]
    if how != "SIGKILL" and "Traceback" in told:
        wrong.append(f"a traceback: {told[-600:]}")
    if how == "SIGTERM" and took > ENDS_S:
        wrong.append(f"alive {took:.0f} s after SIGTERM")
    again, _ = room.call(step.arguments(folder))
    if again:
        told = room.log.read_text(encoding="utf-8", errors="replace")
        wrong.append(f"started again: exit code {again}: {told[-600:]}")
    differing = _differing(step, folder)
    why = "; ".join([*wrong, *(f"differs: {path}" for path in differing)])
    return Trial(name, step.name, how, round(at, 3), not wrong, not differing, why)


def _differing(step: Step, folder: Path) -> list[str]:
    ours, theirs = (digests_of(result_of(step, folder / run)) for run in ("run", "whole"))
    return sorted(key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key))


def result_of(step: Step, run: Path) -> Path:
    """Returns the folder or file that a step leaves in a run folder."""
    return run / {"package": "model", "infer": "rows.csv"}.get(step.name, step.name)


def _largest(path: Path) -> int:
    """Returns the bytes of the largest file of a result."""
    return max(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())


def missing(trials: list[Trial], only: Sequence[str]) -> list[tuple[str, Case, Step, str]]:
    """Returns what is to be tried: a few kills of every step, the other ways, then more kills."""
    done = Counter((trial.case, trial.step, trial.how) for trial in trials)
    ranked = [
        (number if how == "SIGKILL" else FIRST_KILLS, name, case, step, how)
        for number in range(max(TRIALS.values()))
        for name, case in CASES.items()
        for step in case.steps
        for how, wanted in TRIALS.items()
        if done[name, step.name, how] <= number < wanted
        if not only or any(text in f"{name}/{step.name}" for text in only)
        if how != "no data" or step != case.steps[0] or not case.draws
    ]
    ranked.sort(key=lambda row: row[0])
    return [(name, case, step, how) for _, name, case, step, how in ranked]


def table(trials: list[Trial]) -> dict:
    """Returns the counts per step, and of each way to stop it."""
    found: dict[str, dict] = {}
    for trial in trials:
        step = found.setdefault(f"{trial.case}/{trial.step}", {"by": {}})
        of_way = step["by"].setdefault(trial.how, {})
        for counts in (step, of_way):
            for key in ("tried", "survived", "identical"):
                counts[key] = counts.get(key, 0) + int(getattr(trial, key, True))
    return found


def main(
    work: Annotated[Path, typer.Option(help="Folder for runs and trials.")] = Path("runs/survival"),
    only: Annotated[list[str] | None, typer.Option(help="Of CASE/STEP, those with a text.")] = None,
    seconds: Annotated[float, typer.Option(help="Begin no trial after so many seconds.")] = 2700,
    out: Annotated[Path, typer.Option(help="The table.")] = ROOT / "benchmarks/results",
) -> None:
    """Try what is missing, and write the table of all trials."""
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    kept, started = work / "trials.jsonl", time.monotonic()
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    trials = [Trial(**json.loads(line)) for line in lines]
    rooms: dict[str, Room] = {}
    for name, case, step, how in missing(trials, only or ()):
        for each in case.steps if not (work / name / "times.json").exists() else (step,):
            if each.room not in rooms:
                rooms[each.room] = Room(each.room, work)
        times = whole_run(name, case, work, rooms)
        for _ in range(5):
            if time.monotonic() - started > seconds:
                break
            trial = attempt(name, case, step, how, times[step.name], work, rooms[step.room])
            if trial:
                trials.append(trial)
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(trial)) + "\n")
                print(
                    f"{name}/{step.name} {how} at {trial.at}: {trial.why or 'identical'}",
                    flush=True,
                )
                break
    for room in rooms.values():
        room.close()
    found = table(trials)
    atomic.write_json(out / "survival.json", {"command": "make test-survival", "steps": found})
    raise typer.Exit(int(any(step["identical"] < step["tried"] for step in found.values())))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        typer.run(main)
