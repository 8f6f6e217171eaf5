"""Standard output that never ends a program: closed, full, or without the characters of a name.

The programs write files; what they print comes second. If nobody reads it any more the work
continues, and a character that the terminal does not have is shown as an escape.
"""

import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape

from pose_activity.artifacts.names import shown, spell_out


def prepare_output() -> None:
    """Makes sys.stdout and sys.stderr safe to write to; call it once, first of all."""
    for handle in (0, 1, 2):  # a file opened later must not get the number of a closed one
        try:
            os.fstat(handle)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        spell_out(stream)
        setattr(sys, name, _Patient(stream))


def run_program(command: Callable[[], Any]) -> None:
    """Runs a command line; a mistake is one message and exit code 2, not a traceback.

    Args:
        command: A Typer application.
    """
    prepare_output()
    try:
        command()
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        Console().print(f"[red]error:[/] {escape(shown(error))}", soft_wrap=True, highlight=False)
        sys.exit(2)


class _Patient:
    """A text stream that carries on when its reader is gone, or its disk is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._let_go()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._let_go()

    def _let_go(self) -> None:
        """Discards the stream, its buffer included."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
