"""Who may ask: Host, Origin and token are checked before any route, and every answer is locked up.

A browser sends to a server on this machine whatever a foreign page tells it to. So a request must
call the server by a name of its own (else another domain's name points here), and what changes
something, or opens a WebSocket, must come from our own page. Plain ASGI: WebSockets go through it.
"""

import hmac
import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pose_activity.serving.options import ServerOptions
from pose_activity.serving.problems import Problem

PROTOCOL = "pose-activity"  # of our WebSockets
_BEARER = "bearer."  # before the token, in another subprotocol
_OPEN = ("/", "/healthz", "/source.zip")  # need no token
_PAGE = "/page/"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")  # name, port
_SAFE = ("GET", "HEAD", "OPTIONS")
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The gallery is one file with its own script; sandboxed, that script reaches nothing of ours.
GALLERY_POLICY = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; media-src 'self'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'self'"
)
_HEADERS = [  # as ASGI has them
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
]


class Guard:
    """Lets through what may ask."""

    def __init__(self, app: ASGIApp, options: ServerOptions) -> None:
        """Takes the names that this server is called by.

        Args:
            app: What is guarded.
            options: Of the server.
        """
        self._app, self._token, self._cors = app, options.token, options.cors
        self._names = {"localhost", options.host.lower(), socket.gethostname().lower()}
        self._names |= {name.lower() for name in options.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks a request or the opening of a WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        problem = self._problem_of(scope, Headers(scope=scope))
        if scope["type"] == "websocket":
            if problem is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": problem.rule[:100]})
            return

        async def send_locked(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] += [pair for pair in _HEADERS if pair[0] not in given]
            await send(message)

        app = self._app if problem is None else problem.as_response()
        await app(scope, receive, send_locked)

    def _problem_of(self, scope: Scope, headers: Headers) -> Problem | None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            rule = "This server answers to its own names alone."
            return Problem(400, rule, host or "no Host", "Its operator can add this one.")
        if "content-length" in headers and "transfer-encoding" in headers:
            # A proxy in front might see another end of the body, and so another next request.
            rule = "A body has a length, or comes in chunks."
            return Problem(400, rule, "both", headers={"Connection": "close"})
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        origin = headers.get("origin")
        if changes and origin is not None and not self._may_come_from(origin, host):
            rule = "Other pages may not use this server."
            return Problem(403, rule, origin, "Its operator can allow this origin.")
        if self._token and not self._is_open(scope) and not self._knows_token(scope, headers):
            rule = "This server wants its token: Authorization: Bearer TOKEN."
            headers_of_answer = {"WWW-Authenticate": "Bearer"}
            return Problem(401, rule, next="Ask its operator.", headers=headers_of_answer)
        return None

    def _is_ours(self, host: str) -> bool:
        """Returns whether a Host is one of our names, or an address, which no foreign DNS gives."""
        found = _HOST.fullmatch(host)
        name = found[1].lower() if found else ""
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _may_come_from(self, origin: str, host: str) -> bool:
        if origin in self._cors:
            return True
        found = urlsplit(origin)
        return found.scheme in ("http", "https") and found.netloc.lower() == host.lower()

    def _is_open(self, scope: Scope) -> bool:
        path = scope["path"]
        return path in _OPEN or path.startswith(_PAGE) or scope.get("method") == "OPTIONS"

    def _knows_token(self, scope: Scope, headers: Headers) -> bool:
        if scope["type"] == "websocket":
            offered: Iterable[str] = scope.get("subprotocols", ())
            given = [name.removeprefix(_BEARER) for name in offered if name.startswith(_BEARER)]
        else:
            kind, _, value = headers.get("authorization", "").partition(" ")
            given = [value.strip()] if kind.lower() == "bearer" else []
        wanted = (self._token or "").encode()
        return any(hmac.compare_digest(value.encode(), wanted) for value in given)
