"""Work done over threads, with its results in the order of the items.

Knows nothing of images or graphs.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

AHEAD = 4  # items per worker that are in progress, or done before their turn


def in_order(
    work: Callable[[Any], Any],
    items: Iterable[Any],
    *,
    workers: int,
    pool: Executor | None = None,
) -> Iterator[Any]:
    """Yields `work(item)` for each item, in order, calculated by several threads.

    Items are taken when there is room, in the caller's thread: at most `AHEAD` per worker.

    Args:
        work: Called in those threads.
        items: What it is called with.
        workers: How many items are calculated at the same time.
        pool: Threads that others use as well, not fewer than `workers`; None: threads of its own.
    """
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(workers) if pool is None else nullcontext(pool) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
