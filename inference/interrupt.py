"""Ctrl-C: the first one ends the input and lets current work finish; a second one aborts."""

import signal
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import TypeVar

Item = TypeVar("Item")


class GracefulInterrupt:
    """While it is entered, in the main thread, Ctrl-C asks before it interrupts.

    Attributes:
        asked: Whether Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.asked = False

    def until(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yields the items until a stop is requested."""
        for item in items:
            if self.asked:
                return
            yield item

    def __enter__(self) -> "GracefulInterrupt":
        self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
