"""Clients that keep connections for nothing are let go, and nobody else is."""

import json
import socket
import threading
import time

import pytest
from websockets.sync.client import connect as open_websocket

from pose_activity.serving import connections, game_routes
from tests.serving.running import Running
from tests.serving.test_predictions import RED

ASKS = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closes without a word."""
    try:
        return not connection.recv(1)
    except ConnectionResetError:
        return True


def is_answered(connection: socket.socket) -> bool:
    """Whether an answer to `ASKS` comes."""
    answer = b""
    while not answer.endswith(b"ok\n") and (part := connection.recv(65536)):
        answer += part
    return answer.endswith(b"ok\n")


def problem_of(answer: bytes, status: int) -> dict:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"application/problem+json" in head and b"connection: close" in head.lower()
    return json.loads(body)


@pytest.mark.parametrize(
    ("head", "answered"),
    [(b"", False), (b"GET / HTT", True), (ASKS[:-2], True), (ASKS[:-2] + b"X: y", True)],
)
def test_a_header_that_does_not_come(
    server: Running, head: bytes, answered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADER", 0.2)
    with server.connect(head) as connection:
        started = time.monotonic()
        answer = rest_of(connection)
        assert 0.1 < time.monotonic() - started < 5
    assert not answer if not answered else "within 0.2 s" in problem_of(answer, 408)["rule"]


def test_a_header_that_trickles(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER", 0.2)
    with server.connect() as connection, pytest.raises(OSError):
        for _ in range(200):
            connection.sendall(b"G")
            time.sleep(0.03)


def test_the_second_header_of_a_connection(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADER", 0.5)
    with server.connect(ASKS) as connection:
        assert is_answered(connection)
        time.sleep(0.7)  # an idle connection is kept a while
        connection.sendall(ASKS)
        assert is_answered(connection)
        connection.sendall(ASKS[:20])
        problem_of(rest_of(connection), 408)


def test_requests_outlast_the_time_of_their_header(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADER", 1.0)
    head = f"POST /v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(RED)}\r\n\r\n"
    address = server.url.replace("http", "ws") + "v1/live"
    with (
        open_websocket(address, subprotocols=["pose-activity"]) as camera,  # type: ignore[list-item]
        server.connect(head.encode() + RED[:100]) as connection,
    ):
        assert "hello" in str(camera.recv(5))
        time.sleep(1.5)
        connection.sendall(RED[100:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        camera.send(b"no frame")
        assert "problem" in str(camera.recv(5))


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET  / HTTP/1.1\r\n\r\n", b"a: b\r\n\r\n"],
)
def test_what_is_no_http(server: Running, sent: bytes) -> None:
    with server.connect(sent + b"\r\n\r\n") as connection:
        assert problem_of(rest_of(connection), 400)["rule"] == "A request is HTTP/1.1."


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length : 5\r\n",
    ],
)
def test_one_request_is_never_taken_for_two(server: Running, lines: bytes) -> None:
    """Where a proxy in front could see another end of the body, nothing behind it is answered."""
    head = b"POST /v1/game HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n"
    with server.connect(head + b"0\r\n\r\n" + ASKS) as connection:
        assert b"ok\n" not in rest_of(connection)


def test_a_header_without_end(server: Running) -> None:
    line = b"X: " + b"a" * 10_000 + b"\r\n"
    with server.connect(b"GET / HTTP/1.1\r\n") as connection, pytest.raises(OSError):
        for _ in range(1000):
            connection.sendall(line)


def test_a_client_that_does_not_read(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STALLED", 0.3)
    asked, asks = 60, ASKS.replace(b"/healthz", b"/source.zip")
    whole = len(server.client.get("/source.zip").content) * asked
    with server.connect(asks * asked) as connection:
        time.sleep(1)
        received = 0
        try:
            while part := connection.recv(1 << 20):
                received += len(part)
        except ConnectionResetError:
            pass
    assert 0 < received < whole


def test_no_more_connections_than_there_is_room_for(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST", 5)
    held = [server.connect() for _ in range(5)]
    with server.connect() as connection:
        assert is_closed(connection)
    for connection in held:
        connection.close()
    with server.connect(ASKS) as connection:
        assert is_answered(connection)


@pytest.mark.parametrize("path", ["/v1/game", "/v1/game/score"])
def test_a_games_message_without_end(
    server: Running, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = server.client.post(path, content=iter([b" " * 100_000] * 30))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    monkeypatch.setattr(game_routes, "PATIENCE", 0.2)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n[".encode()
    with server.connect(head) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")


def test_clients_that_wait_do_not_keep_the_server_from_others(server: Running) -> None:
    held = [server.connect(ASKS[:-2]) for _ in range(200)]
    threads = threading.active_count()
    started = time.monotonic()
    assert server.client.get("/healthz").status_code == 200
    assert time.monotonic() - started < 1
    assert threading.active_count() == threads
    for connection in held:
        connection.close()
