r"""Names of files as text that every program reads: valid Unicode, whatever the bytes are.

A file system takes any bytes for a name. Python carries those that are not UTF-8 as lone
surrogates, which no UTF-8 file, page or table can hold: one such name would make the whole file
unreadable. Here they are spelled out: the byte 0xe9 becomes the four characters `\xe9`.
"""

import io
import re
from typing import TextIO

_LONE = re.compile(r"[\ud800-\udfff]")


def shown(name: object) -> str:
    r"""Returns a text, or a path as one, in valid Unicode.

    Valid text comes back unchanged, and so does what `shown` returned.

    Args:
        name: A path, or a text that may hold names of files.
    """
    return _LONE.sub(_spelled, str(name))


def in_json(text: str) -> str:
    r"""Returns JSON text whose strings are spelled out as `shown` does."""
    return _LONE.sub(lambda found: "\\" + _spelled(found), text)


def spell_out(*streams: TextIO) -> None:
    """Makes streams such as `sys.stdout` spell out what their encoding lacks, not fail."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _spelled(found: re.Match[str]) -> str:
    # PEP 383: the byte 0xNN that is no UTF-8 is carried as U+DCNN.
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
