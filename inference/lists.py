"""Text files that name images and videos, one per line: which are such lists, and what they name.

Lists come from everywhere: with a byte order mark, in UTF-16 (what PowerShell writes), in the 8
bits of an old Windows, with backslashes, quotes and other line ends. Of the ways to read a line,
the first one counts that leads to something that exists.
"""

import codecs
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

SUFFIX = ".txt"
_LINE_END = re.compile("\r\n|\r|\n")  # str.splitlines also knows letters that names may hold
_NUMBERS = re.compile(r"[-+.\deE\s]+")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_list(path: Path, endings: Collection[str]) -> list[Path]:
    """Reads a list.

    Empty lines, and those that begin with `#` and name nothing that exists, are passed over. Names
    are relative to the working folder, else to that of the list.

    Args:
        path: A text file.
        endings: Of names that are wanted, in lower case.

    Returns:
        What the lines name, whether it exists or not; nothing if the text is not a list: it holds
        numbers (labels of the YOLO format), or no line names something that exists or that has one
        of the endings.

    Raises:
        ValueError: it is not text.
    """
    data = path.read_bytes()
    if b"\0" in data and not data.startswith(_UTF16):
        raise ValueError(
            f"{path}: a list must be a text with one name per line. It holds zero bytes."
        )
    lines = [line for line in _lines(data) if line[0].strip()]
    if all(_NUMBERS.fullmatch(line[0]) for line in lines):
        lines = [line for line in lines if _find(line, path.parent)]
    found = [(_find(line, path.parent), line[0].strip()) for line in lines]
    names = [there or Path(text) for there, text in found if there or not text.startswith("#")]
    known = any(there for there, _ in found)
    return names if known or any(name.suffix.lower() in endings for name in names) else []


def _lines(data: bytes) -> Iterator[list[str]]:
    """Yields the ways to read each line as text, the likeliest first."""
    if data.startswith(_UTF16):
        yield from ([line] for line in _LINE_END.split(data.decode("utf-16", "replace")))
        return
    for raw in data.removeprefix(codecs.BOM_UTF8).splitlines():
        try:
            yield [raw.decode()]
        except UnicodeDecodeError:
            yield [os.fsdecode(raw), raw.decode("cp1252", "replace"), raw.decode("latin-1")]


def _find(texts: list[str], folder: Path) -> Path | None:
    """Returns what a line names and exists; None: nothing."""
    for text in texts:
        tidy = text.strip()
        for name in (text, tidy, tidy.strip("\"'"), tidy.replace("\\", "/")):
            for path in (Path(name), folder / name):
                if name.strip() and os.path.exists(path):
                    return path
    return None
