"""Who is let in: names of the host, origins, the token, on HTTP and on WebSockets."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from pose_activity.serving.security import POLICY
from tests.serving.running import Running, running
from tests.serving.test_predictions import RED

TOKEN = "correct-horse"
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def guarded(pictures_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a token, called by one more name, and used by one more page."""
    with running(
        pictures_model,
        tmp_path_factory.mktemp("guarded"),
        token=TOKEN,
        hosts=("pose.example",),
        cors=("https://friend.example",),
        threads=1,
    ) as found:
        yield found


def ask(server: Running, method: str, path: str, **headers: str) -> httpx.Response:
    content = RED if method == "POST" else None
    return httpx.request(method, f"{server.url}{path}", headers=headers, content=content)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:1", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("192.168.7.9:8000", 200),
        ("LOCALHOST", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("evil.example:127.0.0.1", 400),
        ("evil@localhost", 400),
        ("localhost/evil", 400),
        ("localhost:999999", 400),
        ("[::1", 400),
        ("::1", 400),
        ("", 400),
    ],
)
def test_names_of_the_host(server: Running, host: str, status: int) -> None:
    assert ask(server, "GET", "v1/model", host=host).status_code == status


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost:1", "", "file://"])
def test_other_pages_change_nothing(server: Running, method: str, origin: str) -> None:
    path = "v1/predictions" if method == "POST" else f"v1/jobs/{'0' * 32}"
    answer = ask(server, method, path, origin=origin)
    assert answer.status_code == 403 and answer.json()["rule"].startswith("Other pages")


def test_our_own_page_may(server: Running) -> None:
    own = server.url.rstrip("/")
    assert ask(server, "POST", "v1/predictions", origin=own).status_code == 200
    assert ask(server, "POST", "v1/predictions").status_code == 200, "a program has no origin"


@pytest.mark.parametrize("path", ["v1/model", "v1/examples", "readyz", "metrics", "openapi.json"])
@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"bearer {TOKEN}x"]
)
def test_without_the_token(guarded: Running, path: str, given: str) -> None:
    answer = ask(guarded, "GET", path, authorization=given)
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"v1/model?token={TOKEN}", {}),
        (f"v1/model?authorization=Bearer%20{TOKEN}", {}),
        ("v1/model", {"cookie": f"token={TOKEN}; authorization=Bearer {TOKEN}"}),
        ("v1/model", {"x-token": TOKEN}),
        ("v1/model", {"proxy-authorization": f"Bearer {TOKEN}"}),
        ("page/../v1/model", {}),
        ("page/%2e%2e/v1/model", {}),
        ("healthz/../v1/model", {}),
    ],
)
def test_a_token_in_the_wrong_place(guarded: Running, path: str, headers: dict[str, str]) -> None:
    head = f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with guarded.connect(f"{head}{lines}\r\n".encode()) as connection:
        assert connection.recv(100)[9:12] in (b"401", b"404")


def test_with_the_token_and_what_needs_none(guarded: Running) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert ask(guarded, "GET", "v1/model", host="pose.example", **bearer).status_code == 200
    assert ask(guarded, "POST", "v1/predictions", **bearer).status_code == 200
    for path in ("", "healthz", "page/style.css", "source.zip"):
        assert ask(guarded, "GET", path).status_code == 200, path


def test_other_origins_that_are_allowed(guarded: Running, server: Running) -> None:
    friend = {"origin": "https://friend.example", "authorization": f"Bearer {TOKEN}"}
    answer = ask(guarded, "POST", "v1/predictions", **friend)
    assert answer.headers["access-control-allow-origin"] == "https://friend.example"
    wish = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    preflight = ask(guarded, "OPTIONS", "v1/predictions", origin="https://friend.example", **wish)
    assert preflight.status_code == 200
    assert ask(guarded, "OPTIONS", "v1/predictions", origin=EVIL, **wish).status_code == 400
    assert "access-control-allow-origin" not in ask(server, "GET", "v1/model", origin=EVIL).headers


@pytest.mark.parametrize(
    ("origin", "protocols"),
    [(EVIL, [f"bearer.{TOKEN}"]), (None, []), (None, ["bearer.wrong"]), (None, [TOKEN])],
)
def test_sockets_that_stay_closed(
    guarded: Running, origin: str | None, protocols: list[str]
) -> None:
    address = guarded.url.replace("http", "ws") + "v1/live"
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(address, origin=origin, subprotocols=["pose-activity", *protocols]),  # type: ignore[arg-type]
    ):
        pass


def test_a_socket_that_opens(guarded: Running) -> None:
    address = guarded.url.replace("http", "ws") + "v1/live"
    protocols = ["pose-activity", f"bearer.{TOKEN}"]
    with connect(address, subprotocols=protocols) as socket:  # type: ignore[arg-type]
        assert socket.subprotocol == "pose-activity"


@pytest.mark.parametrize(
    "path", ["", "v1/model", "nothing", "page/style.css", f"v1/jobs/{'0' * 32}"]
)
def test_every_answer_is_locked_up(server: Running, path: str) -> None:
    headers = ask(server, "GET", path).headers
    assert headers["content-security-policy"] == POLICY
    assert "'unsafe" not in POLICY and "http" not in POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize(
    "path", ["page/../app.py", "page/%2e%2e/app.py", "page/..%2fapp.py", "page/"]
)
def test_the_page_is_its_own_folder(server: Running, path: str) -> None:
    assert ask(server, "GET", path).status_code == 404


def test_the_source_is_offered(server: Running) -> None:
    import io
    import zipfile

    answer = ask(server, "GET", "source.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
    assert "pose_activity/serving/source.py" in names and "pose_activity/LICENSE" in names
    assert not [name for name in names if "/." in name or "runs/" in name]
    assert len(answer.content) < 5_000_000
