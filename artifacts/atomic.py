"""Files that are either whole or absent: written beside, fsynced, renamed.

Knows nothing of what is written.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pose_activity.artifacts.names import in_json, shown

_BEGINNING, _RANDOM_BYTES = ".tmp-", 8
_TEMPORARY = re.compile(rf"{re.escape(_BEGINNING)}[0-9a-f]{{{2 * _RANDOM_BYTES}}}(\.\w+)?")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path in `path`'s folder; on success it becomes `path`, else it is removed.

    The temporary name keeps the suffix, since many libraries choose a format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{_BEGINNING}{secrets.token_hex(_RANDOM_BYTES)}{path.suffix}")
    # The system takes the process's umask off, here and nowhere else: reading it would mean setting
    # it, for all threads. Not tempfile, whose files are for one user alone.
    os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def link(source: Path, path: Path) -> None:
    """Gives a file a second name, whole or not at all; a copy where links are not possible.

    Whatever has the name is replaced. Neither file may be written to in place afterwards.
    """
    with replacing(path) as temporary:
        temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def is_temporary(name: str) -> bool:
    """Returns whether a file has the kind of name that `replacing` gives to unfinished files."""
    return _TEMPORARY.fullmatch(name) is not None


def write_bytes(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    r"""Writes `text` as UTF-8 to `path`, whole or not at all.

    A file name that is not UTF-8 has its bytes spelled out, `caf\xe9.jpg`.
    """
    write_bytes(path, shown(text).encode())


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON to `path`, whole or not at all; NaN is refused.

    Names are spelled out as in `write_text`.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, in_json(text) + "\n")
