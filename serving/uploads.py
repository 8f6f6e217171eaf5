"""The body of a request into a file, as long as it keeps coming and is no larger than allowed.

A client that sends nothing for `SILENCE` seconds, or less than `SLOWEST` bytes a second over time,
is sent away, and so is a file that does not begin like a picture or a video, before the rest of it
is read. Whatever goes wrong, the caller's folder holds no more than the limit.
"""

import asyncio
import errno
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pose_activity.serving.files import HEAD, Claim, recognise
from pose_activity.serving.problems import MEDIA_TYPE, Problem

SILENCE = 10.0  # seconds
SLOWEST = 2_000  # bytes per second, once `SILENCE` is over
_LINGER = 20.0  # seconds for which the rest of a refused body is read


@dataclass(frozen=True)
class Upload:
    """A file that has arrived.

    Attributes:
        path: Where it is.
        claim: What it says it is.
        size: Its bytes.
    """

    path: Path
    claim: Claim
    size: int


async def receive(
    request: Request, folder: Path, *, most: int, on_claim: Callable[[Claim], None]
) -> Upload:
    """Writes the body of a request into a file.

    Args:
        request: Its body was not touched yet.
        folder: For the file, whose name says nothing of what the client called it; made here, once
            it is clear that there is something to keep.
        most: Bytes that are allowed.
        on_claim: Told what the file says it is, once its first bytes are there; what it raises
            ends the upload.

    Raises:
        Problem: 400 empty, 408 slow, 413 too large, 415 something else, 507 the disk is full.
        ClientDisconnect: the client went away.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most, f"{int(announced):,} bytes")
    parts = _parts(request, most)
    head = b""
    async for part in parts:
        head += part
        if len(head) >= HEAD:
            break
    claim = recognise(head[:HEAD])
    on_claim(claim)
    path, size = folder / f"input{claim.suffix}", len(head)
    try:
        folder.mkdir(mode=0o700)
        with path.open("xb") as file:
            file.write(head)
            async for part in parts:
                file.write(part)
                size += len(part)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise disk_full() from None
    return Upload(path, claim, size)


async def _parts(request: Request, most: int) -> AsyncIterator[bytes]:
    """Yields the body as it comes, never more than `most` bytes."""
    started, size = time.monotonic(), 0
    while True:
        try:
            message = await asyncio.wait_for(request.receive(), SILENCE)
        except TimeoutError:
            raise _too_slow(f"nothing for {SILENCE:g} s") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most, "more")
        if part:
            yield part
        if not message.get("more_body", False):
            return
        if size < SLOWEST * (time.monotonic() - started - SILENCE):
            raise _too_slow(f"{size:,} bytes in {time.monotonic() - started:.0f} s")


class Refusal(Response):
    """A problem that is answered before the whole body has come, whose rest is read and dropped.

    A connection that is closed while its client still sends is reset, and browsers then show no
    answer at all.
    """

    def __init__(self, problem: Problem) -> None:
        body = json.dumps(problem.as_json(), ensure_ascii=False)
        headers = {**problem.headers, "Connection": "close"}
        super().__init__(body, problem.status, headers=headers, media_type=MEDIA_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends all of the answer, then reads on for a while, then ends it."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while (await receive()).get("more_body", False):
                    pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def disk_full() -> Problem:
    """Returns the answer where a file does not fit on the disk."""
    return Problem(507, "The server's disk is full.", next="Try again later.")


def _too_large(most: int, received: str) -> Problem:
    rule = f"A file may have {most:,} bytes."
    return Problem(413, rule, received, "Make it smaller, or cut it.")


def _too_slow(received: str) -> Problem:
    rule = "A file must keep coming once it has begun."
    return Problem(408, rule, received, "Send it again over a better connection.")
