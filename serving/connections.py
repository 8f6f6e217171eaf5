"""One connection of HTTP: how many there may be, and how long a client may keep one for nothing.

uvicorn waits for ever for the end of a header, and for a client that does not read what it asked
for. Here a header is whole within `HEADER` seconds, a client reads something every `STALLED`, and
past `MOST` connections new ones are closed at once: each takes a file descriptor, of which the
server needs some for its work. How long a body may take is the routes' business.
"""

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pose_activity.serving.problems import MEDIA_TYPE, Problem

HEADER = 10.0  # seconds
STALLED = 60.0  # seconds
MOST = 500


class Connection(H11Protocol):
    """uvicorn's connection, with limits."""

    _header: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a header, unless there are too many connections."""
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.abort()
        else:
            self._header = self.loop.call_later(HEADER, self._header_is_late)

    def data_received(self, data: bytes) -> None:
        """Takes bytes; the first ones after an answer begin the next header."""
        if self._header is None and self._is_idle():
            self._header = self.loop.call_later(HEADER, self._header_is_late)
        super().data_received(data)
        if self._header is not None and not self._is_idle():
            self._header.cancel()
            self._header = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends what waits for the client."""
        for timer in (self._header, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Waits until the client reads."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED, self.transport.abort)

    def resume_writing(self) -> None:
        """Goes on: the client has read."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP, as all errors are answered."""
        self._refuse(Problem(400, "A request is HTTP/1.1.", next="Use a client of HTTP."))

    def _is_idle(self) -> bool:
        """Returns whether no request is being answered: one may be on its way."""
        upgraded = self.transport.get_protocol() is not self
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not upgraded

    def _header_is_late(self) -> None:
        self._header = None
        begun = bool(self.conn.trailing_data[0])
        if begun and self.conn.our_state is h11.IDLE:
            rule = f"A request's header is whole within {HEADER:g} s."
            self._refuse(Problem(408, rule, "a part of one", "Send it again."))
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        body = json.dumps(problem.as_json(), ensure_ascii=False).encode()
        headers: list[Any] = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        if self.conn.our_state is h11.IDLE or self.conn.our_state is h11.SEND_RESPONSE:
            reason = problem.as_json()["title"].encode()
            answer = h11.Response(status_code=problem.status, headers=headers, reason=reason)
            for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
