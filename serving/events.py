"""What happens to a job as Server-Sent Events: rows as they come, progress, and the end.

A row's event has its number as id, so that a client that was cut off gets the others alone. Rows
are read from the file that they are written to: nothing is kept in memory for those who look on.
"""

import json
import time
from collections.abc import AsyncIterator
from typing import BinaryIO

from pose_activity.inference.table import beside
from pose_activity.serving import work
from pose_activity.serving.jobs import ENDED, Job, describe
from pose_activity.serving.service import Service

_EVERY = 0.25  # seconds between two events of progress
_SILENCE = 10.0  # seconds after which a comment keeps the connection
_AT_ONCE = 64  # rows between two looks at everything else


async def events_of(service: Service, job: Job, *, first: int) -> AsyncIterator[str]:
    """Yields events until the job ends or the server does.

    Args:
        service: The server's.
        job: Any.
        first: Number of the first row that is wanted.
    """
    rows, shown, told, spoke = _Rows(job), "", 0.0, time.monotonic()
    while True:
        ended = job.state in ENDED  # asked before the rows: none come after it
        while lines := rows.read(_AT_ONCE):
            wanted = [(number, line) for number, line in lines if number >= first]
            if wanted:
                yield "".join(f"event: row\nid: {n}\ndata: {line}\n\n" for n, line in wanted)
                spoke = time.monotonic()
        if ended:
            yield _event(job.state, json.dumps(describe(service.jobs, job), ensure_ascii=False))
            return
        if service.closing.is_set():
            return
        state = json.dumps(describe(service.jobs, job), ensure_ascii=False)
        now = time.monotonic()
        if state != shown and now - told >= _EVERY:
            shown, told, spoke = state, now, now
            yield _event("progress", state)
        elif now - spoke > _SILENCE:
            spoke = now
            yield ": still there\n\n"
        await job.bell.wait(_EVERY)


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"


class _Rows:
    """The rows of a job from the beginning, as far as they are written."""

    def __init__(self, job: Job) -> None:
        self._path = job.folder / work.ROWS_JSONL
        self._file: BinaryIO | None = None
        self._number, self._rest = 0, b""

    def read(self, most: int) -> list[tuple[int, str]]:
        """Returns the next rows with their numbers; none if there are no more yet."""
        if self._file is None and not self._open():
            return []
        assert self._file is not None  # noqa: S101
        found: list[tuple[int, str]] = []
        while len(found) < most:
            self._rest += self._file.readline()
            if not self._rest.endswith(b"\n"):
                break
            found.append((self._number, self._rest.decode().rstrip("\n")))
            self._number, self._rest = self._number + 1, b""
        return found

    def _open(self) -> bool:
        """Opens the table that is being written, or the whole one; neither is there at first."""
        for path in (beside(self._path, ".partial"), self._path):
            try:
                self._file = path.open("rb")
            except FileNotFoundError:
                continue
            return True
        return False

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()
