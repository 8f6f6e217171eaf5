"""Text files from users: UTF-8, or refused with the number of the line that is not.

A wrong guess of the encoding would silently garble names, and merge some of them. Knows nothing of
what the text means.
"""

import codecs
from pathlib import Path

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_utf8(path: Path) -> str:
    """Returns a file's text, without a byte order mark and with its line ends as they are.

    Raises:
        ValueError: it cannot be opened, or is not UTF-8; the message names the file and the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be opened ({error.strerror}).") from None
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}{_what_is_wrong(error)}. Save the file as UTF-8.") from None


def _what_is_wrong(error: UnicodeDecodeError) -> str:
    data, place = error.object, error.start
    if data.startswith(_UTF16):
        return ": must be text in UTF-8. Received: UTF-16"
    *above, line = data[:place].split(b"\n")
    before = line.decode("utf-8", "replace").strip()[-40:]
    return (
        f", line {len(above) + 1}: must be text in UTF-8. "
        f"Received: the byte 0x{data[place]:02x} after {before!r}"
    )
