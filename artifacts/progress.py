"""The function that long work calls to report its progress."""

from collections.abc import Callable

ProgressCallback = Callable[[int, int, str], None]  # done, total (0: unknown), what is under way
