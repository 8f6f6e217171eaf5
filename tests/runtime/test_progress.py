"""A bar on a terminal, a line a minute in a log file, and names as they are."""

import io
import re

import pytest
from rich.console import Console

from pose_activity.runtime import progress
from pose_activity.runtime.progress import progress_bar
from tests.waiting import wait_for


def file_console() -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=60), file


def test_in_a_log_file_a_line_comes_even_where_nothing_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.05)
    console, file = file_console()
    with progress_bar("training stage 1", console) as show:
        wait_for(lambda: len(file.getvalue().splitlines()) >= 2)
        assert file.getvalue().startswith("training stage 1: 0:00:")
        show(3, 45, "round 1: pose mAP50 0.512")
        wait_for(lambda: "0.512" in file.getvalue())
    last = file.getvalue().splitlines()[-1]
    assert re.fullmatch(r"training stage 1: 3/45, 0:00:\d\d: round 1: pose mAP50 0\.512", last)


def test_one_line_ends_what_was_quick() -> None:
    console, file = file_console()
    with progress_bar("drawing planes", console) as show:
        for done in range(1, 100):
            show(done, 100, "a.jpg")
    (line,) = file.getvalue().splitlines()
    assert line.startswith("drawing planes: 99/100, 0:00:0") and line.endswith(": a.jpg")


def test_the_time_left_is_of_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that is resumed at 100 of 200 made 10 steps in a minute: 9 minutes are left."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    lines = progress._Lines("training")
    now[0] += 30
    lines.show(100, 200, "")
    now[0] += 60
    lines.show(110, 200, "")
    assert lines.now() == "training: 110/200, 0:01:30, 0:09:00 left"
    lines.show(5, 0, "x")
    assert lines.now() == "training: 5/?, 0:01:30: x"


@pytest.mark.parametrize("terminal", [True, False])
def test_brackets_in_names_are_shown(terminal: bool) -> None:
    file = io.StringIO()
    console = Console(file=file, width=200, force_terminal=terminal, color_system=None)
    with progress_bar("run [v1]", console) as show:
        show(1, 2, "cat [bold]x[/] [/nonsense].jpg")
    assert "run [v1]" in file.getvalue()
    assert "cat [bold]x[/] [/nonsense].jpg" in file.getvalue()
