"""Samples of any sort as JSON lines, one per sample: how such a file is written and read.

What a line says of a sample is told by who calls.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pose_activity.artifacts.atomic import replacing

Value = TypeVar("Value")


def write(path: Path, values: Iterable[Value], as_json: Callable[[Value], dict[str, Any]]) -> None:
    """Writes one line per value to `path`, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for value in values:
            # ASCII with escapes also carries file names that are not valid Unicode.
            file.write(json.dumps(as_json(value), allow_nan=False) + "\n")


def read(path: Path, from_json: Callable[[dict[str, Any]], Value]) -> list[Value]:
    """Reads what `write` wrote.

    Raises:
        ValueError: the file is missing, or a line is not a sample.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file. Run the step `annotations` first.")
    values = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                values.append(from_json(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{path}, line {number}: not a sample ({error!r}). "
                    "Delete the file and run the step `annotations` again."
                ) from None
    return values
