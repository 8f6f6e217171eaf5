"""What workers do in the tests of a cluster; imported by them, by name."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def slow_copier(folder: str, seconds: float) -> Callable[[str], str]:
    """Returns what leaves a file for an item, after a while, once two workers have begun."""
    begun = Path(folder) / "begun.txt"

    def work(item: str) -> str:
        with begun.open("a", encoding="utf-8") as file:
            file.write(f"{item} {os.getpid()}\n")
        for _ in range(600):
            if len({line.split()[1] for line in begun.read_text("utf-8").splitlines()}) == 2:
                break
            time.sleep(0.1)
        time.sleep(seconds)
        (Path(folder) / f"{item}.done").write_text(str(os.getpid()), encoding="utf-8")
        return f"{item}!"

    return work


def refusing(folder: str) -> Callable[[str], str]:
    """Returns what refuses one item."""

    def work(item: str) -> str:
        if item == "3":
            raise ValueError(f"an item must not be 3, in {folder}")
        return item

    return work


def unloadable() -> Callable[[str], str]:
    """Refuses to load."""
    raise FileNotFoundError("there is no graph at x")


def dying() -> Callable[[str], str]:
    """Returns what ends its process."""

    def work(item: str) -> str:
        os._exit(1)

    return work
