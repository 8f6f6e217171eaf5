"""A progress bar with rate and time left, as an `on_progress` for long work.

Without a terminal, such as in a log file, one line per minute takes its place.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pose_activity.artifacts.names import shown
from pose_activity.artifacts.progress import ProgressCallback

EVERY_S = 60.0  # between two lines in a log file


class RateColumn(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        """Returns the rate, or a dash before there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "-/s", style="progress.data.speed")


@contextmanager
def progress_bar(title: str, console: Console) -> Iterator[ProgressCallback]:
    """Shows the progress of the body on `console`.

    Args:
        title: Of the work, shown as it is.
        console: On a terminal a bar is drawn; elsewhere a line is printed each minute, even if the
            body reports nothing, and one at the end.

    Yields:
        A function of (done, total, text); a total of 0 is unknown.
    """
    lively = console.is_terminal and not console.is_dumb_terminal
    with (_bar if lively or console.is_jupyter else _lines)(title, console) as show:
        yield show


@contextmanager
def _bar(title: str, console: Console) -> Iterator[ProgressCallback]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}", style="dim", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=None, text="")

        def show(done: int, total: int, text: str) -> None:
            progress.update(task, completed=done, total=total or None, text=shown(text))

        yield show


@contextmanager
def _lines(title: str, console: Console) -> Iterator[ProgressCallback]:
    lines, ended = _Lines(title), threading.Event()

    def print_line() -> None:
        console.print(lines.now(), markup=False, highlight=False, soft_wrap=True)

    def print_regularly() -> None:
        while not ended.wait(EVERY_S):
            print_line()

    printer = threading.Thread(target=print_regularly, daemon=True)
    printer.start()
    try:
        yield lines.show
    finally:
        ended.set()
        printer.join()
        print_line()


class _Lines:
    """Reports the progress of some work in one line."""

    def __init__(self, title: str) -> None:
        self._title, self._started = title, time.monotonic()
        self._first: tuple[int, float] | None = None  # what was done when it was first heard of
        self._last = (0, 0, "")

    def show(self, done: int, total: int, text: str) -> None:
        """Takes a report of the progress."""
        self._first = self._first or (done, time.monotonic())
        self._last = (done, total, shown(text))

    def now(self) -> str:
        """Returns, for example, `drawing planes: 300/1200, 0:02:10, 0:06:30 left: a.jpg`."""
        done, total, text = self._last
        parts = [f"{done}/{total or '?'}"] if self._first else []
        parts.append(_clock(time.monotonic() - self._started))
        begun, since = self._first or (done, 0.0)
        if begun < done < total:
            left = (time.monotonic() - since) * (total - done) / (done - begun)
            parts.append(f"{_clock(left)} left")
        return f"{self._title}: {', '.join(parts)}" + (f": {text}" if text else "")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
