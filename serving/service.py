"""The one model of a server, the threads that it runs in, and the jobs."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pose_activity.artifacts.lock import NAME, locked
from pose_activity.inference.kinds import Kind
from pose_activity.inference.package import kind_of
from pose_activity.serving import work
from pose_activity.serving.jobs import Asked, Job, Jobs
from pose_activity.serving.options import ServerOptions
from pose_activity.serving.queue import Places

_FRAMES_PER_SECOND = 120  # of the fastest videos that are taken
_SLOWEST = 10  # times as long as a video may last, it is worked on


class Service:
    """What the routes use; entered as a context in the event loop, it has its jobs.

    Attributes:
        options: What the server was asked for.
        kind: Of the model.
        predictor: The model.
        model: Its folder.
        pool: All graphs run here.
        pictures: Places of pictures: those that are worked on, and those that wait.
        jobs: Videos.
        watching: Cameras that are being answered.
        closing: Set once the server is to end: what lasts, ends then.
    """

    jobs: Jobs
    closing: asyncio.Event

    def __init__(self, model: Path, options: ServerOptions) -> None:
        """Loads the model, and takes the folder for visitors' files until the service is left.

        Raises:
            FileNotFoundError: it is not there, or not finished.
            ValueError: it cannot be used.
            BlockingIOError: another server has the folder for visitors' files.
        """
        self.options, self.model = options, model
        self.kind: Kind = kind_of(model)
        self.predictor: Any = self.kind.load(model, threads=options.threads)
        self.pool = ThreadPoolExecutor(self.predictor.threads, "graphs")
        self.predictor.pool = self.pool
        self.pictures = Places(options.queue + self.predictor.threads, "pictures")
        self._held = ExitStack()
        options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._held.enter_context(locked(options.state))
        except BlockingIOError:
            raise BlockingIOError(
                f"{options.state}: another server keeps its visitors' files there. End it, or name "
                "another folder"
            ) from None
        self.watching = 0

    def asked_below(self, unknown_below: float | None) -> Any:
        """Returns the predictor with another threshold; None: the model's."""
        if unknown_below is None:
            return self.predictor
        return self.predictor.with_threshold(unknown_below)

    async def in_pool(self, work: Callable[..., Any], *values: Any) -> Any:
        """Calls a function in the threads of the graphs."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work, *values)

    def start(self, source: Path, asked: Asked) -> Job:
        """Makes a job of a video; a place was taken for it."""
        return self.jobs.start(source, asked)

    def draw(self, job: Job) -> None:
        """Lets the drawings of a finished job be made."""
        self.jobs.draw(job, self._draw)

    def free_disk(self) -> int:
        """Returns bytes that are free where visitors' files are kept."""
        facts = os.statvfs(self.options.state)
        return facts.f_bavail * facts.f_frsize

    async def __aenter__(self) -> "Service":
        options = self.options
        self.closing = asyncio.Event()
        self.jobs = Jobs(options.state, queue=options.queue, keep=options.keep, work=self._work)
        self._cleaner = asyncio.create_task(self._remove_old())
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.closing.set()
        self._cleaner.cancel()
        await asyncio.to_thread(self.jobs.close)
        self.pool.shutdown(wait=True, cancel_futures=True)
        (self.options.state / NAME).unlink(missing_ok=True)
        self._held.close()

    def _work(self, job: Job) -> None:
        predictor = self.asked_below(job.asked.unknown_below)
        longest = self.options.max_seconds
        work.write_rows(
            predictor,
            job,
            most_frames=longest * _FRAMES_PER_SECOND,
            most_seconds=longest * _SLOWEST,
        )

    def _draw(self, job: Job) -> None:
        hides = self.options.hide_faces and self.predictor.pose is not None
        work.draw(self.asked_below(job.asked.unknown_below), self.kind, job, hide_faces=hides)

    async def _remove_old(self) -> None:
        while True:
            await asyncio.sleep(min(5.0, self.options.keep / 4))
            self.jobs.remove_old()
