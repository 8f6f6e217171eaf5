"""The command that serves a model, as a user calls it: its start, its end, and what it refuses."""

import os
import re
import signal
import socket
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


def connect(address: str) -> socket.socket:
    """Opens a connection of its own."""
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout=60)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /v1/predictions HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n" + RED,
    ],
)
def test_who_stops_sending_is_let_go_after_ten_seconds(
    model: Path, tmp_path: Path, sent: bytes
) -> None:
    with serving(model, tmp_path / "state") as (_, address):
        started = time.monotonic()
        with connect(address) as connection:
            connection.sendall(sent)
            answer = connection.recv(1000)
            assert 9 < time.monotonic() - started < 15
            assert answer.startswith(b"HTTP/1.1 408") if sent else not answer


def test_two_hundred_at_once(model: Path, tmp_path: Path) -> None:
    """Each is answered or told to come again, and that takes little of the server's time."""
    size = f"Connection: close\r\nContent-Length: {len(RED)}\r\n\r\n".encode()
    asks = b"POST /v1/predictions HTTP/1.1\r\nHost: localhost\r\n" + size + RED
    with serving(model, tmp_path / "state", "--queue", "8", "--threads", "1") as (server, address):
        send(address, RED)
        held = [connect(address) for _ in range(200)]
        before = cpu_seconds(server.pid)
        for connection in held:
            connection.sendall(asks)
        answers = [read_all(connection) for connection in held]
        seconds = cpu_seconds(server.pid) - before
    statuses = [int(answer[9:12]) for answer in answers]
    accepted = statuses.count(200)
    assert accepted >= 9 and statuses.count(503) == 200 - accepted
    assert all(b"retry-after: " in answer for answer in answers if b" 503 " in answer[:15])
    assert all(b'"activity": "red"' in answer for answer in answers if b" 200 " in answer[:15])
    assert seconds / 200 < 0.01, "of a processor, for each"


def cpu_seconds(process: int) -> float:
    """What a process has used of the processors."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_all(connection: socket.socket) -> bytes:
    parts = []
    with connection:
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_a_disk_that_is_really_full(model: Path, tmp_path: Path) -> None:
    """What does not fit is refused, what is there stays, and the next picture is answered."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root alone")
    try:
        film = write_film(tmp_path / "film.avi", crossing()).read_bytes()
        with serving(model, disk / "state") as (process, address):
            job = send(address, film)
            with httpx.stream("GET", f"http://{address}{job.headers['location']}/events") as events:
                assert "event: done" in [*events.iter_lines()]
            rows = httpx.get(f"http://{address}{job.headers['location']}/rows.csv").content
            assert send(address, RED + bytes(2_000_000)).status_code == 507
            assert send(address, film + bytes(2_000_000)).status_code == 507
            again = httpx.get(f"http://{address}{job.headers['location']}/rows.csv")
            assert again.content == rows and len([*(disk / "state").glob("*/")]) == 1
            assert send(address, RED).json()["activity"] == "red"
            process.terminate()
            process.wait(60)
            assert process.stderr is not None and process.stderr.read() == ""
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
