"""Processes that find large libraries imported already.

Importing TensorFlow costs more CPU than most of what tests ask of it. A fork server is a process
that imports it once and forks for every script. Nothing else is shared: each child starts from the
imports alone, with random generators of its own and the environment of who asks. Hash seeds are the
server's; a test for which they matter runs one of its scripts in a `fresh_process`.
"""

import json
import os
import random
import runpy
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What is imported for whom; torch and TensorFlow never meet. Engines are not: what they start does
# not outlive a fork.
ROOMS = {
    "tensorflow": ("tensorflow", "keras", "tf2onnx"),
    "torch": ("torch", "torch._inductor.config", "albumentations", "matplotlib", "polars"),
    "neither": (
        "pose_activity.inference.clips.predictor",
        "pose_activity.inference.pictures.predictor",
        "pose_activity.training.clips.report",
        "pose_activity.training.pictures.build_cache",
        "pose_activity.training.pictures.labels",
        "pose_activity.training.pictures.report",
    ),
}
_SERVERS: dict[str, "ForkServer"] = {}


def server(room: str) -> "ForkServer":
    """Returns this process's server of one of `ROOMS`, which starts when it is first asked for."""
    if room not in _SERVERS:
        _SERVERS[room] = ForkServer(*ROOMS[room])
    return _SERVERS[room]


def close_servers() -> None:
    """Ends this process's servers."""
    while _SERVERS:
        _SERVERS.popitem()[1].close()


class ForkServer:
    """Runs scripts in forks of a process that has imported `libraries`, one at a time.

    All of them get `environment` besides what is there when they start.
    """

    def __init__(self, *libraries: str, **environment: str) -> None:
        self._own = environment
        self._process = subprocess.Popen(
            [sys.executable, __file__, *libraries],
            cwd=ROOT,
            env=_environment(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(
        self, script: Path, *arguments: object, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a script with arguments; its exit code is negative if a signal ended it."""
        assert self._process.stdin and self._process.stdout
        with tempfile.TemporaryDirectory() as folder:
            output, errors = Path(folder) / "output", Path(folder) / "errors"
            command = [str(script), *map(str, arguments)]
            call = [command, _environment(self._own | environment), str(output), str(errors)]
            print(json.dumps(call), file=self._process.stdin, flush=True)
            code = int(self._process.stdout.readline())
            return subprocess.CompletedProcess(
                command,
                code,
                output.read_text(encoding="utf-8"),
                errors.read_text(encoding="utf-8"),
            )

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def fresh_process(
    script: Path, *arguments: object, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Does as `ForkServer.run` does, in a process that has imported nothing."""
    return subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        cwd=ROOT,
        env=_environment(environment),
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


def _environment(changes: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


def _serve() -> None:
    for line in sys.stdin:
        command, environment, output, errors = json.loads(line)
        child = os.fork()
        if not child:
            _become(command, environment, output, errors)
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(command: list[str], environment: dict[str, str], output: str, errors: str) -> None:
    for number, path in enumerate((os.devnull, output, errors)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, number)
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    sys.argv, sys.path[0] = command, str(Path(command[0]).resolve().parent)
    runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    for library in sys.argv[1:]:
        import_module(library)
    _serve()
