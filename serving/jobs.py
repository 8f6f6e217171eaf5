"""Videos that are worked on one after the other, while their senders look on or are long gone.

Each job has a folder of its own, called by 128 random bits, and nothing lists them: who knows the
name may read, watch and delete it. What a job does is the caller's business (`Jobs.work`). All
methods but those of a job's worker are called in the event loop.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pose_activity.artifacts.removal import remove_tree
from pose_activity.inference.options import OutputOptions
from pose_activity.serving.problems import Problem, log, unknown_job
from pose_activity.serving.queue import Places

ENDED = ("done", "failed", "cancelled")
_PATIENCE = 1.0  # seconds in which a worker that is cancelled lets go


class Cancelled(Exception):
    """The job is not wanted any more; raised in its worker."""


@dataclass(frozen=True)
class Asked:
    """What was asked about a file.

    Attributes:
        name: What its sender calls it; a label alone.
        options: Of the prediction.
        unknown_below: See `inference.results.Result`; None: the model's.
    """

    name: str
    options: OutputOptions
    unknown_below: float | None = None


@dataclass(eq=False)
class Job:
    """One video.

    Attributes:
        id: 32 hexadecimal digits.
        folder: For all of its files.
        source: The video.
        asked: What is asked about it.
        state: "waiting", "running", or one of `ENDED`.
        done: Frames so far.
        of: Frames that its header promises; 0: unknown.
        rows: Rows so far, which are in the folder.
        error: Why it failed; or None.
        drawing: State of its drawings, as `state`; None: nobody asked for them.
        ended: When it ended, in seconds since 1970; or None.
        bell: Rings when anything of this changed.
    """

    id: str
    folder: Path
    source: Path
    asked: Asked
    bell: "Bell"
    state: str = "waiting"
    done: int = 0
    of: int = 0
    rows: int = 0
    error: str | None = None
    drawing: str | None = None
    ended: float | None = None
    _unwanted: bool = field(default=False, repr=False)

    def check(self) -> None:
        """Raises `Cancelled` if the job is not wanted any more; for its worker, often."""
        if self._unwanted:
            raise Cancelled

    def tell(self, done: int, of: int) -> None:
        """Takes the progress, in the worker's thread."""
        self.check()
        self.done, self.of = done, of
        self.bell.ring()

    def cancel(self) -> None:
        """Lets the worker stop at its next frame."""
        self._unwanted = True

    def end(self, state: str, error: str | None = None) -> None:
        """Takes the end of the work."""
        self.state, self.error, self.ended = state, error, time.time()
        self.bell.ring()


class Bell:
    """Lets tasks of the event loop wait for what happens in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wakes all who wait; from any thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Waits for the next ring, or so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._next.wait(), seconds)


class Jobs:
    """All jobs of a server.

    Attributes:
        places: For videos: one that is worked on, and those that wait.
        ended: Jobs that ended, by state.
    """

    def __init__(
        self, folder: Path, *, queue: int, keep: float, work: Callable[[Job], None]
    ) -> None:
        """Empties the folder: what is there was left over by a server that was killed.

        Args:
            folder: For the jobs' folders; nobody else writes there.
            queue: Jobs that may wait.
            keep: Seconds for which a job is there after it ended.
            work: Does a job, in a thread; raises `Cancelled` when told to, and `Problem`.
        """
        self.places = Places(queue + 1, "videos")
        self.ended: dict[str, int] = dict.fromkeys(ENDED, 0)
        self._folder, self._keep, self._work = folder, keep, work
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()  # of the step out of "waiting"
        self._turns = ThreadPoolExecutor(1, "job")
        self._clear()

    @contextmanager
    def new_folder(self) -> Iterator[Path]:
        """Names a folder for one file, not made yet; it is removed, unless a job was made of it."""
        folder = self._folder / secrets.token_hex(16)
        try:
            yield folder
        finally:
            if folder.name not in self._jobs and folder.exists():
                for file in folder.iterdir():  # the one that was sent; removing a tree takes longer
                    file.unlink()
                folder.rmdir()

    def start(self, source: Path, asked: Asked) -> Job:
        """Makes a job of a file in a new folder; a place was taken for it."""
        folder = source.parent
        job = Job(folder.name, folder, source, asked, Bell())
        self._jobs[job.id] = job
        self._turns.submit(self._take_turn, job)
        return job

    def find(self, name: str) -> Job:
        """Returns a job.

        Raises:
            Problem: 404, there is none.
        """
        if (job := self._jobs.get(name)) is None:
            raise unknown_job()
        return job

    def draw(self, job: Job, work: Callable[[Job], None]) -> None:
        """Lets a finished job's drawings be made, unless somebody asked already.

        Raises:
            Problem: 503, the queue is full.
        """
        if job.drawing is None:
            self.places.take()
            job.drawing = "waiting"
            self._turns.submit(self._draw, job, work)

    async def delete(self, name: str) -> None:
        """Stops a job, and removes its folder.

        Raises:
            Problem: 404, there is none.
        """
        job = self.find(name)
        job.cancel()
        if self._leaves_queue(job, "cancelled"):
            self._finish(job, "cancelled")
        deadline = time.monotonic() + _PATIENCE
        while "running" in (job.state, job.drawing) and time.monotonic() < deadline:
            await job.bell.wait(deadline - time.monotonic())
        self._forget(job)

    def place_of(self, job: Job) -> int | None:
        """Returns how many jobs are in front of a waiting one, and itself; None: its turn came."""
        # Its worker may begin meanwhile, so each state is looked at once.
        waiting = [other for other in self._jobs.values() if other.state == "waiting"]
        return waiting.index(job) + 1 if job in waiting else None

    def expires(self, job: Job) -> str | None:
        """Returns when the files of an ended job are deleted, as text of ISO 8601."""
        if job.ended is None:
            return None
        return datetime.fromtimestamp(job.ended + self._keep, UTC).isoformat(timespec="seconds")

    def count(self, state: str) -> int:
        """Returns how many jobs are in a state."""
        return sum(job.state == state for job in self._jobs.values())

    def remove_old(self) -> None:
        """Deletes the jobs whose time is over."""
        now = time.time()
        for job in [*self._jobs.values()]:
            old = job.ended is not None and job.ended + self._keep < now
            if old and job.drawing not in ("waiting", "running"):
                self._forget(job)

    def close(self) -> None:
        """Stops all jobs and removes their folders."""
        for job in self._jobs.values():
            job.cancel()
        self._turns.shutdown(wait=True, cancel_futures=True)
        self._jobs.clear()
        self._clear()

    def _take_turn(self, job: Job) -> None:
        """Does a job, in the worker's thread."""
        if not self._leaves_queue(job, "running"):
            return
        job.bell.ring()
        try:
            self._work(job)
            self._finish(job, "done")
        except Cancelled:
            self._finish(job, "cancelled")
        except Problem as problem:
            self._finish(job, "failed", problem.as_json()["detail"])
        except Exception:
            log.exception("a job failed")
            self._finish(job, "failed", "The server made a mistake.")

    def _draw(self, job: Job, work: Callable[[Job], None]) -> None:
        try:
            job.check()
            job.drawing = "running"
            work(job)
            job.drawing = "done"
        except Cancelled:
            job.drawing = "cancelled"
        except Exception:
            log.exception("a drawing failed")
            job.drawing = "failed"
        finally:
            self.places.give_back()
            self._leave(job)
            job.bell.ring()

    def _leaves_queue(self, job: Job, state: str) -> bool:
        """Moves a waiting job on; returns whether it was waiting."""
        with self._lock:
            waited = job.state == "waiting"
            if waited:
                job.state = state
        return waited

    def _finish(self, job: Job, state: str, error: str | None = None) -> None:
        self.places.give_back()
        self.ended[state] += 1
        job.end(state, error)
        self._leave(job)

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        if "running" not in (job.state, job.drawing):
            remove_tree(job.folder)

    def _leave(self, job: Job) -> None:
        """Removes the folder of a job that was forgotten while its worker was in it."""
        if job.id not in self._jobs:
            remove_tree(job.folder)

    def _clear(self) -> None:
        for left in self._folder.iterdir():
            if left.is_dir() and not left.is_symlink():
                remove_tree(left)


def describe(jobs: Jobs, job: Job) -> dict[str, Any]:
    """Returns a job as clients see it."""
    here = f"/v1/jobs/{job.id}"
    ready = job.state == "done"
    tracks = ready and (job.folder / "tracks.json").is_file()
    return {
        "id": job.id,
        "name": job.asked.name,
        "state": job.state,
        "place": jobs.place_of(job),
        "done": job.done,
        "of": job.of,
        "rows": job.rows,
        "error": job.error,
        "drawing": job.drawing,
        "expires": jobs.expires(job),
        "files": {
            "rows_csv": f"{here}/rows.csv",
            "rows_jsonl": f"{here}/rows.jsonl",
            "gallery": f"{here}/gallery.html",
            "drawn": f"{here}/drawn.webm",
            "tracks": f"{here}/tracks.json" if tracks else None,
        }
        if ready
        else None,
    }
