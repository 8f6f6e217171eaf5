"""A progress bar with rate and time left, as the `on_progress` that long work takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
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

from artifacts.names import shown


class RateColumn(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        """Returns the rate, or a dash before there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "-/s", style="progress.data.speed")


@contextmanager
def progress_bar(title: str, console: Console) -> Iterator[Callable[[int, int, str], None]]:
    """Shows a bar on `console` while the body runs.

    Args:
        title: Left of the bar.
        console: Where it is drawn; on a console that is no terminal only its last state is.

    Yields:
        A function of (done, total, text); a total of 0 is unknown.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[text]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=None, text="")

        def show(done: int, total: int, text: str) -> None:
            text = escape(shown(text))
            progress.update(task, completed=done, total=total or None, text=text)

        yield show
