"""A server of a hand-made model, in a thread of the test's process, behind a real socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from pose_activity.serving.options import ServerOptions
from pose_activity.serving.run import build
from pose_activity.serving.service import Service


class Running:
    """A server that answers.

    Attributes:
        service: What it serves.
        url: Its address.
        client: Asks it; knows its token.
        state: Folder of visitors' files.
    """

    def __init__(self, service: Service, url: str) -> None:
        self.service, self.url, self.state = service, url, service.options.state
        token = service.options.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(base_url=url, headers=headers, timeout=60)

    def send(self, data: bytes, **query: Any) -> httpx.Response:
        """Sends a file."""
        return self.client.post("/v1/predictions", content=data, params=query)

    def finish(self, job: httpx.Response) -> dict[str, Any]:
        """Waits for the end of a job; returns it."""
        assert job.status_code == 202, job.text
        last = ""
        with self.client.stream("GET", f"{job.headers['location']}/events") as events:
            for line in events.iter_lines():
                last = line if line.startswith("event: ") else last
        assert last in ("event: done", "event: failed", "event: cancelled")
        return self.client.get(job.headers["location"]).json()

    def connect(self, head: bytes = b"") -> socket.socket:
        """Sends the beginning of a request over a connection of its own, and no more."""
        host, port = self.url.removeprefix("http://").rstrip("/").split(":")
        connection = socket.create_connection((host, int(port)), timeout=60)
        connection.sendall(head)
        return connection

    def left(self) -> list[Path]:
        """Folders of files that are there."""
        return [path for path in self.state.iterdir() if path.is_dir()]


@contextmanager
def running(model: Path, state: Path, **options: Any) -> Iterator[Running]:
    """Serves a model at a free port."""
    service = Service(model, ServerOptions(state=state, port=0, **options))
    addresses: list[str] = []
    started = threading.Event()

    def on_start(address: str) -> None:
        addresses.append(address.partition("#")[0])
        started.set()

    server = build(service, on_start=on_start)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert started.wait(60)
    found = Running(service, addresses[0])
    try:
        with found.client:
            yield found
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()
