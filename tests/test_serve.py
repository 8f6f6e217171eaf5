"""The command that serves a model, as a user calls it: its start, its end, and what it refuses."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.commands import ROOT, call
from tests.inference import view_model
from tests.inference.motion_model import crossing, write_film
from tests.serving.test_predictions import RED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return view_model.write_model(tmp_path_factory.mktemp("models") / "colours")


@contextmanager
def serving(model: Path, state: Path, *options: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """Starts the command at a free port; yields the process and where it is."""
    command = [sys.executable, "serve.py", "--model", model, "--port", "0", "--state", state]
    with subprocess.Popen(
        [*map(str, command), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = re.fullmatch(r"Open http://(127\.0\.0\.1:\d+)/ \(Ctrl-C ends it\)\n", line)
            assert found, line
            yield process, found[1]
        finally:
            process.kill()


def send(address: str, data: bytes) -> httpx.Response:
    return httpx.post(f"http://{address}/v1/predictions", content=data, timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_busy_server_ends_and_leaves_nothing(
    model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    film = write_film(tmp_path / "long.avi", crossing() * 20)
    with serving(model, tmp_path / "state") as (process, address):
        assert send(address, RED).json()["activity"] == "red"
        location = send(address, film.read_bytes()).headers["location"]
        with httpx.stream("GET", f"http://{address}{location}/events", timeout=60) as events:
            assert next(events.iter_lines())
            started = time.monotonic()
            process.send_signal(number)
            assert process.wait(60) in (0, -number, 128 + number)
        assert time.monotonic() - started < 5
        assert process.stderr is not None and process.stderr.read() == ""
    assert not [*(tmp_path / "state").iterdir()]


def test_what_a_killed_server_left_is_removed(model: Path, tmp_path: Path) -> None:
    film = write_film(tmp_path / "long.avi", crossing() * 20)
    state = tmp_path / "state"
    with serving(model, state) as (process, address):
        assert send(address, film.read_bytes()).status_code == 202
        process.kill()
        process.wait()
        assert [path for path in state.iterdir() if path.is_dir()]
    with serving(model, state):
        assert not [path for path in state.iterdir() if path.is_dir()]
        assert os.stat(state).st_mode & 0o077 == 0, "nobody else may look"


def test_a_wrong_model_is_said_before_the_port_opens(tmp_path: Path) -> None:
    done = call("serve.py", "--model", tmp_path, "--port", "0")
    assert done.returncode == 2 and "error:" in done.stdout and "Open http" not in done.stdout


def test_a_second_server_of_the_same_folder_or_port(model: Path, tmp_path: Path) -> None:
    with serving(model, tmp_path / "state") as (_, address):
        port = address.partition(":")[2]
        done = call("serve.py", "--model", model, "--port", port, "--state", tmp_path / "other")
        assert done.returncode != 0 and "Traceback" not in done.stderr + done.stdout
        done = call("serve.py", "--model", model, "--port", "0", "--state", tmp_path / "state")
        assert done.returncode != 0 and "Traceback" not in done.stderr + done.stdout
