"""What a user names into a list of pictures: files, folders (recursive), globs, lists of paths.

Order is the user's, folders sorted, nothing twice. No picture is opened.
"""

import glob
from collections.abc import Iterable
from pathlib import Path

from annotations.images import find_images


def find_sources(paths: Iterable[str]) -> list[Path]:
    """Expands what was named on a command line.

    Args:
        paths: A file is taken whatever its suffix, a `.txt` file is read as one path a line, a
            folder gives all pictures below it, anything with `*`, `?` or `[` is a glob.

    Returns:
        Pictures, each once.

    Raises:
        FileNotFoundError: a name gives no picture at all.
    """
    found: dict[Path, None] = {}
    for name in paths:
        pictures = _expand(name)
        if not pictures:
            raise FileNotFoundError(f"No picture there: {name}")
        found.update(dict.fromkeys(pictures))
    return list(found)


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        return find_images(path)
    if path.is_file():
        return _read_list(path) if path.suffix.lower() == ".txt" else [path]
    return [found for match in sorted(glob.glob(name, recursive=True)) for found in _expand(match)]


def _read_list(path: Path) -> list[Path]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Path(line) for line in lines if line]
