"""What serving costs beside the model: python benchmarks/serve.py --model runs/demo.

Writes `serving.json`: per key the figure, and the limit that it is held against. The server, its
clients and, for the comparison, the same predictor in this process share one machine; clients are
plain sockets, which take little of it. Figures of a machine that does something else besides are
those of that machine: `load` says how busy it was at the start.
"""

import http.client
import json
import os
import queue
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from websockets.sync.client import connect

from pose_activity.annotations.images import ImageError, find_images, load_rgb
from pose_activity.annotations.videos import Frame
from pose_activity.artifacts import atomic
from pose_activity.inference.kinds import Kind
from pose_activity.inference.options import OutputOptions, Session
from pose_activity.inference.package import kind_of

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = 8
TURNS = 7  # of the server and the predictor alone, so that both meet the same machine
QUEUE = 16  # the server's own, in which pictures wait
REFUSED = 503
MOST_PICTURES = 100  # that are different
LIMITS = {
    "overhead_ms": 5.0,
    "throughput_ratio": 0.9,
    "p95_ratio": 1.3,
    "healthz_p99_ms": 50.0,
    "refusal_p95_ms": 50.0,
    "rss_growth_mb": 20.0,
    "upload_rss_mb": 10.0,
    "video_ratio": 0.9,
    "sigterm_s": 5.0,
    "restart_s": 2.0,
}
AT_LEAST = {"throughput_ratio", "video_ratio"}


class Server:
    """A server in a process of its own."""

    def __init__(self, model: Path, state: Path) -> None:
        started = time.monotonic()
        command = [sys.executable, ROOT / "serve.py", "--model", model, "--port", "0"]
        command += ["--state", state, "--keep", "1s", "--queue", str(QUEUE)]
        self.process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert self.process.stdout is not None  # noqa: S101
        found = re.search(r"http://([\d.]+):(\d+)/", self.process.stdout.readline())
        if found is None:
            raise OSError("The server did not start.")
        self.address = found[1], int(found[2])
        self.seconds = time.monotonic() - started

    def connect(self) -> http.client.HTTPConnection:
        """Opens a connection."""
        return http.client.HTTPConnection(*self.address, timeout=600)

    def memory(self, name: str = "VmRSS") -> float:
        """Returns resident memory in MB; "VmHWM" is the most since `forget_peak`."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(text.partition(f"{name}:")[2].split()[0]) / 1024

    def forget_peak(self) -> None:
        """Begins the count of "VmHWM" anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="utf-8")


class Client:
    """A connection that asks about pictures, on a bare socket: clients should cost little."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(server.address, timeout=600)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, picture: bytes) -> int:
        """Sends a picture, reads the whole answer, returns its status."""
        head = f"POST /v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(picture)}"
        self._socket.sendall(head.encode() + b"\r\n\r\n" + picture)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head_of_answer, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.findall(rb"(?i)content-length: (\d+)", head_of_answer)[0])
        while len(body) < length:
            body += self._receive()
        return int(head_of_answer.split(None, 2)[1])

    def _receive(self) -> bytes:
        part = self._socket.recv(65536)
        if not part:
            raise OSError("The server closed a connection before the end of its answer.")
        return part


def ask(connection: http.client.HTTPConnection, data: Any) -> tuple[int, dict[str, Any]]:
    """Sends a file; returns status and answer."""
    connection.request("POST", "/v1/predictions", body=data)
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, json.loads(body.split(b"\n")[0])


def finish(server: Server, data: bytes) -> float:
    """Sends a video and waits for its end; returns the seconds until its rows were there."""
    connection, started = server.connect(), time.monotonic()
    status, job = ask(connection, data)
    if status != 202:
        raise OSError(f"The server must take a video. Received: {status} {job}")
    connection.request("GET", f"/v1/jobs/{job['id']}/events")
    connection.getresponse().read()
    seconds = time.monotonic() - started
    connection.request("DELETE", f"/v1/jobs/{job['id']}")
    connection.getresponse().read()
    return seconds


def measure_overhead(server: Server, predictor: Any, paths: list[Path]) -> float:
    """Returns the median milliseconds that one client waits longer than for `answer`."""
    client, extra = Client(server), []
    for path in paths:
        started = time.perf_counter()
        predictor.answer(Frame.of_picture(path))
        middle = time.perf_counter()
        client.ask(path.read_bytes())
        extra.append(time.perf_counter() - middle - (middle - started))
    return 1000 * statistics.median(extra)


def measure_load(server: Server, predictor: Any, paths: list[Path]) -> dict[str, float]:
    """Lets clients ask side by side, in turns with the predictor on all cores; medians of turns."""
    turns = []
    health: list[float] = []
    for turn in range(TURNS):
        some = paths[turn::TURNS]
        started = time.monotonic()
        for _ in predictor.answers(map(Frame.of_picture, some)):
            pass
        alone = len(some) / (time.monotonic() - started)
        rate, waits = _ask_side_by_side(server, some, health)
        turns.append((rate / alone, float(np.percentile(waits, 95)) / (CLIENTS / rate)))
    throughput, p95 = (statistics.median(figures) for figures in zip(*turns, strict=True))
    return {
        "throughput_ratio": throughput,
        "p95_ratio": p95,
        "healthz_p99_ms": 1000 * float(np.percentile(health, 99)),
    }


def _ask_side_by_side(
    server: Server, paths: list[Path], health: list[float]
) -> tuple[float, list[float]]:
    """Returns pictures a second and everybody's waits; adds those for /healthz meanwhile."""
    todo: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for path in paths:
        todo.put(path.read_bytes())
    waits: list[float] = []
    ended = threading.Event()

    def work() -> None:
        client = Client(server)
        with suppress(queue.Empty):
            while True:
                picture, begun = todo.get_nowait(), time.perf_counter()
                client.ask(picture)
                waits.append(time.perf_counter() - begun)

    def look() -> None:
        connection = server.connect()
        while not ended.wait(0.02):
            begun = time.perf_counter()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            health.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    watcher = threading.Thread(target=look)
    started = time.monotonic()
    for thread in (*threads, watcher):
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(paths) / (time.monotonic() - started)
    ended.set()
    watcher.join()
    return rate, waits


def measure_refusals(server: Server, picture: bytes, many: int = 200) -> float:
    """Keeps the queue full with clients that send side by side, and asks for one place more.

    Returns:
        The milliseconds within which 95 of 100 requests that are sent away know it.

    Raises:
        OSError: an accepted request was not answered, or nobody was sent away.
    """
    seen: list[int] = []
    waits: list[float] = []
    ended = threading.Event()

    def fill() -> None:
        while not ended.is_set():
            seen.append(Client(server).ask(picture))
            time.sleep(0.05)

    threads = [threading.Thread(target=fill) for _ in range(3 * QUEUE)]
    for thread in threads:
        thread.start()
    while len(waits) < many and len(seen) < 100 * many:
        client, begun = Client(server), time.perf_counter()
        status = client.ask(picture)
        if status == REFUSED:
            waits.append(time.perf_counter() - begun)
        time.sleep(0.01)
    ended.set()
    for thread in threads:
        thread.join()
    if not waits or {*seen} != {200, REFUSED}:
        raise OSError(f"Requests are answered or sent away. Received: {sorted({*seen})}")
    return 1000 * float(np.percentile(waits, 95))


def measure_video(server: Server, predictor: Any, film: Path) -> float:
    """Returns the server's frames a second over the predictor's."""
    started = time.monotonic()
    for _ in predictor.predict([film], OutputOptions(), Session()):
        pass
    return (time.monotonic() - started) / finish(server, film.read_bytes())


def measure_upload(server: Server, folder: Path) -> float:
    """Returns the MB that the server grows by while it takes a file of 100 MB."""
    path = folder / "large.mkv"
    with path.open("wb") as file:
        file.write(b"\x1a\x45\xdf\xa3")
        file.truncate(100_000_000)
    before = server.memory()
    server.forget_peak()
    with path.open("rb") as file:
        connection = server.connect()
        connection.request(
            "POST", "/v1/predictions", body=file, headers={"Content-Length": "100000000"}
        )
        connection.getresponse().read()
    return server.memory("VmHWM") - before


def measure_end(server: Server, model: Path, state: Path, film: bytes) -> dict[str, float]:
    """Ends a busy server, kills another, and starts a third."""
    connection = server.connect()
    _, job = ask(connection, film)
    connection.request("GET", f"/v1/jobs/{job['id']}/events")
    stream = connection.getresponse()
    stream.readline()
    address = f"ws://{server.address[0]}:{server.address[1]}/v1/live"
    with connect(address, subprotocols=["pose-activity"]):  # type: ignore[list-item]
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
    seconds = time.monotonic() - started
    if left := [*state.iterdir()]:
        raise OSError(f"A server that ended leaves nothing. Received: {left}")
    killed = Server(model, state)
    ask(killed.connect(), film)
    killed.process.kill()
    killed.process.wait()
    again = Server(model, state)
    if left := [path for path in state.iterdir() if path.is_dir()]:
        raise OSError(f"A server removes what a killed one left. Received: {left}")
    again.process.terminate()
    again.process.wait(60)
    return {"sigterm_s": seconds, "restart_s": again.seconds}


def is_whole(path: Path) -> bool:
    """Returns whether a picture can be read: among the demo's some cannot, on purpose."""
    try:
        load_rgb(path)
    except ImageError:
        return False
    return True


def write_film(path: Path, pictures: list[Path], frames: int) -> Path:
    """Writes a video of pictures, ten a second."""
    code, size = cv2.VideoWriter.fourcc(*"mp4v"), (320, 320)
    writer = cv2.VideoWriter(str(path), code, 10, size)
    for number in range(frames):
        image = cv2.resize(load_rgb(pictures[number % len(pictures)]), size)
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def main(
    model: Annotated[Path, typer.Option(help="A model of pictures.")] = Path("runs/demo"),
    images: Annotated[Path, typer.Option(help="Pictures to ask about.")] = Path(
        "runs/demo/data/images"
    ),
    requests: Annotated[int, typer.Option(min=8, help="Pictures that are sent.")] = 1000,
    out: Annotated[Path, typer.Option(help="File of the figures.")] = ROOT
    / "benchmarks"
    / "results"
    / "serving.json",
) -> None:
    """Measure a server beside the model that it serves."""
    load, kind = os.getloadavg()[0], kind_of(model)
    predictor = _load(kind, model)
    found = [*islice(filter(is_whole, find_images(images)), MOST_PICTURES)]
    paths = [found[number % len(found)] for number in range(requests)]
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder, "state")
        films = [write_film(Path(folder, f"{n}.mp4"), found, n) for n in (20, 300)]
        server = Server(model, state)
        try:
            few = paths[: max(8, requests // 10)]
            for path in few:  # warms both up
                predictor.answer(Frame.of_picture(path))
                ask(server.connect(), path.read_bytes())
            finish(server, films[0].read_bytes())
            before = server.memory()
            figures = {"overhead_ms": measure_overhead(server, predictor, few)}
            figures |= measure_load(server, predictor, paths)
            figures["refusal_p95_ms"] = measure_refusals(server, paths[0].read_bytes())
            for _ in range(requests // 20):
                finish(server, films[0].read_bytes())
            figures["rss_growth_mb"] = server.memory() - before
            figures["upload_rss_mb"] = measure_upload(server, Path(folder))
            figures["video_ratio"] = measure_video(server, predictor, films[1])
            figures |= measure_end(server, model, state, films[1].read_bytes())
        finally:
            server.process.kill()
    figures = {name: round(figures[name], 3) for name in LIMITS}
    about = {"requests": requests, "load": round(load, 1), "cpus": os.cpu_count()}
    atomic.write_json(out, {**figures, "limits": LIMITS, **about, "engine": predictor.engine})
    for name, value in figures.items():
        held = value >= LIMITS[name] if name in AT_LEAST else value <= LIMITS[name]
        sign = ">=" if name in AT_LEAST else "<="
        typer.echo(f"{name:18} {value:9.3f}  {sign} {LIMITS[name]:g}  {'' if held else 'MISSED'}")


def _load(kind: Kind, model: Path) -> Any:
    """Loads a model of pictures."""
    predictor = kind.load(model)
    if predictor.takes != "pictures":
        raise ValueError(f"A model of pictures is needed. Received: {model}")
    return predictor


if __name__ == "__main__":
    typer.run(main)
