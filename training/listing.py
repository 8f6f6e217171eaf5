"""Digests of files by what a folder says of them: names, sizes and times. No file is opened."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from artifacts.manifest import sha256_json


def digest_of_files(files: Iterable[Path]) -> str:
    """Returns what changes when a file of them comes, goes or changes; absent ones do not count."""
    stats = ((path, path.stat()) for path in files if path.is_file())
    return sha256_json([[path.as_posix(), s.st_size, s.st_mtime_ns] for path, s in stats])


def without_own(files: Iterable[Path], folder: Path, run_dir: Path) -> Iterator[Path]:
    """Yields the files in `folder` but those of the run, where that lies in there."""
    own = run_dir.resolve()
    inside = own.is_relative_to(folder.resolve())  # drawn data lie in the run's folder instead
    return (file for file in files if not (inside and file.resolve().is_relative_to(own)))
