"""The mark in a file that this project drew, so that no later run uses it as an input.

It is part of the file, so it survives another name and another folder: a comment of a JPEG, a text
of a PNG, a box of an MP4 or an element of a WebM that players skip. `MARK` may be anywhere in the
first or last 4 KiB.
"""

import zlib
from pathlib import Path

MARK = b"Drawn by pose-activity, not an input"
_ENDS = 4096  # bytes at either end of a file in which the mark is looked for
_JPEG, _APP0, _COMMENT = b"\xff\xd8", b"\xff\xe0", b"\xff\xfe"
_PNG, _PNG_HEADER = b"\x89PNG\r\n\x1a\n", 33  # bytes up to the end of IHDR


def mark(data: bytes) -> bytes:
    """Returns the bytes of a JPEG or PNG with the mark in them; the pixels stay as they are.

    Raises:
        ValueError: it is neither.
    """
    if data.startswith(_JPEG):
        start = 2
        if data[2:4] == _APP0:  # JFIF wants it first.
            start = 4 + int.from_bytes(data[4:6])
        comment = _COMMENT + (len(MARK) + 2).to_bytes(2) + MARK
        return data[:start] + comment + data[start:]
    if data.startswith(_PNG):
        body = b"tEXtSoftware\0" + MARK
        chunk = (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
        return data[:_PNG_HEADER] + chunk + data[_PNG_HEADER:]
    raise ValueError(f"Only a JPEG or a PNG can be marked. Received: {data[:8]!r}")


def mark_mp4(path: Path) -> None:
    """Appends the mark to an MP4, in a box of free space (ISO/IEC 14496-12, 8.1.2).

    Raises:
        OSError: it cannot be written.
    """
    with path.open("ab") as file:
        file.write((len(MARK) + 8).to_bytes(4) + b"free" + MARK)


def mark_webm(path: Path) -> None:
    """Appends the mark to a WebM, in a Void element (RFC 8794, 11.3.2).

    Raises:
        OSError: it cannot be written.
    """
    with path.open("ab") as file:
        file.write(b"\xec" + (0x80 | len(MARK)).to_bytes(1) + MARK)


def is_drawing(path: Path) -> bool:
    """Returns whether a file carries the mark; False where it cannot be read as a regular file."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            if MARK in file.read(_ENDS):
                return True
            file.seek(max(0, path.stat().st_size - _ENDS))
            return MARK in file.read(_ENDS)
    except OSError:
        return False
