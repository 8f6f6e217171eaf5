"""Work on a Ray cluster: each worker loads what it needs once, then takes one item after another.

An item's work leaves a file that appears whole, so doing it again is harmless: the item of a worker
that was lost goes to another one. A task is named by module and function, with JSON arguments, so
that no pickled code of ours travels. All machines see the same files, at the same paths, and have
this package. Knows nothing of images or graphs. Ray is imported when a cluster is used.
"""

import importlib
import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pose_activity.artifacts.commands import install
from pose_activity.artifacts.progress import ProgressCallback

MOST_TRIES = 3  # workers that one item may lose
LOCAL = "local"  # the address of a cluster that is started for this program alone
_JOIN_S = 10.0  # between two looks whether workers have started


class WorkersLostError(RuntimeError):
    """An item's workers died one after another, as where it takes more memory than there is."""


@dataclass(frozen=True)
class Task:
    """What each worker does.

    Attributes:
        module: Where the function is.
        function: Called once in each worker with `arguments`; returns what is called with an item,
            a text, and returns JSON.
        arguments: JSON values.
    """

    module: str
    function: str
    arguments: Mapping[str, Any]

    def load(self) -> Callable[[str], Any]:
        """Returns what does the work, in this process."""
        make = getattr(importlib.import_module(self.module), self.function)
        return make(**self.arguments)


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster.

    Attributes:
        address: Of a cluster that is there ("auto", "HOST:6379", "ray://HOST:10001"); `LOCAL`
            starts one on this machine that ends with the work.
        cpus: CPUs, and threads, of each worker.
    """

    address: str = LOCAL
    cpus: int = 1

    def run(
        self, task: Task, items: Sequence[str], *, on_progress: ProgressCallback | None = None
    ) -> list[Any]:
        """Has workers do all items; there are as many workers as the cluster has CPUs for.

        Args:
            task: What is done.
            items: What with.
            on_progress: Called with (done, total, item).

        Returns:
            What the task returned of each item, in their order.

        Raises:
            ModuleNotFoundError: Ray is not installed.
            ConnectionError: there is no cluster at the address.
            WorkersLostError: see there.
            Exception: what the task raised.
        """
        with _connected(self.address) as ray:
            crew = _Crew(ray, task, cpus=self.cpus)
            return crew.do(items, on_progress or (lambda done, total, item: None))


def import_ray() -> Any:
    """Imports Ray, which reports nothing to anybody then.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"A cluster needs Ray: {install('ray')}") from None


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Yields Ray, connected; a connection that was there before is used, and stays."""
    ray = import_ray()
    if ray.is_initialized():
        yield ray
        return
    # A working folder of Ray's own would be a copy; ours is shared.
    settings: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    settings |= {"include_dashboard": False} if address == LOCAL else {}
    ray.init(address=address, **settings)
    try:
        yield ray
    finally:
        ray.shutdown()


class _Crew:
    """The workers, and who does what."""

    def __init__(self, ray: Any, task: Task, *, cpus: int) -> None:
        self._ray, self._task, self._cpus = ray, task, cpus
        self._actor_class = ray.remote(num_cpus=cpus, max_restarts=0)(_Actor)
        self._busy: dict[Any, tuple[Any, int | None]] = {}  # future -> worker, its item's number

    def do(self, items: Sequence[str], on_progress: ProgressCallback) -> list[Any]:
        """See `Cluster.run`."""
        todo, results, lost = deque(range(len(items))), dict[int, Any](), Counter[int | None]()
        while len(results) < len(items):
            self._hire(len(items) - len(results))
            ready, _ = self._ray.wait([*self._busy], timeout=_JOIN_S)
            for future in ready:
                worker, number = self._busy.pop(future)
                try:
                    answer = self._ray.get(future)
                except self._ray.exceptions.RayActorError as error:
                    lost[number] += 1
                    self._refuse_more(lost, number, items, error)
                    if number is not None:
                        todo.appendleft(number)
                    continue
                except self._ray.exceptions.RayTaskError as error:
                    raise error.cause from None
                if number is not None:
                    results[number] = answer
                    on_progress(len(results), len(items), items[number])
                if todo:
                    number = todo.popleft()
                    self._busy[worker.do.remote(items[number])] = (worker, number)
        return [results[number] for number in range(len(items))]

    def _hire(self, left: int) -> None:
        """Starts workers, as many as there are CPUs and items for; more when machines join."""
        for _ in range(min(self._room(), left) - len(self._busy)):
            worker, task = self._actor_class.remote(), self._task
            loads = worker.load.remote(
                task.module, task.function, dict(task.arguments), os.getcwd()
            )
            self._busy[loads] = (worker, None)

    def _room(self) -> int:
        return max(int(self._ray.cluster_resources().get("CPU", 0)) // self._cpus, 1)

    def _refuse_more(
        self,
        lost: Mapping[int | None, int],
        number: int | None,
        items: Sequence[str],
        error: Exception,
    ) -> None:
        """Ends work that only loses workers; those that die while they load count together."""
        most = MOST_TRIES * (1 if number is not None else self._room())
        if lost[number] >= most:
            what = "loading" if number is None else items[number]
            raise WorkersLostError(
                f"{lost[number]} workers died of {what}, one after another. Is there enough memory "
                f"for {self._room()} workers? Give each more CPUs. ({error})"
            ) from None


class _Actor:
    """A worker, in a process of its own."""

    def __init__(self) -> None:
        self._work: Callable[[str], Any] = str

    def load(self, module: str, function: str, arguments: dict[str, Any], folder: str) -> None:
        """Loads what the worker needs; errors are raised here, where the crew sees them."""
        os.chdir(folder)
        self._work = Task(module, function, arguments).load()

    def do(self, item: str) -> Any:
        """Does the work of one item."""
        return self._work(item)
