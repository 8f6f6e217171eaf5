"""Digests of the files that a step reads, by their content.

A file's content is read once. Its digest is remembered in a file of the run folder, and is valid as
long as the file's size and time of last change stay the same.
"""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from pose_activity.artifacts.atomic import write_text
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.runtime.progress import progress_bar
from pose_activity.training.console import console

MEMORY = "digests.json"  # absolute path -> size, time of last change in ns, sha256
_SETTLED_NS = 2_000_000_000  # a file changed later than this before it is read may change unseen


class FileDigests:
    """The digests that a run remembers.

    Attributes:
        known: Absolute path -> [size, mtime in ns, sha256].
    """

    def __init__(self, run_dir: Path) -> None:
        """Reads what was remembered; a damaged file counts as empty."""
        self.path = run_dir / MEMORY
        self.known: dict[str, list] = {}
        self._new = False
        try:
            found = dict(json.loads(self.path.read_text(encoding="utf-8")))
            self.known = {name: [*values] for name, values in found.items()}
        except (OSError, ValueError, TypeError):
            pass

    def of(self, file: Path) -> str:
        """Returns the sha256 of a file's content."""
        name, state = str(file.absolute()), _state(file)
        if self._knows(file):
            return str(self.known[name][2])
        digest = sha256_file(file)
        if time.time_ns() - state[1] > _SETTLED_NS:
            self.known[name] = [*state, digest]
            self._new = True
        return digest

    def of_all(self, files: Iterable[Path]) -> str:
        """Returns what changes when a file of them comes, goes or changes.

        Absent ones do not count; nor does when a file was written.
        """
        there = [path for path in files if path.is_file()]
        found = {}
        unread = [path for path in there if not self._knows(path)]
        if unread:
            with progress_bar("reading files", console) as show:
                for done, path in enumerate(unread, 1):
                    found[path] = self.of(path)
                    show(done, len(unread), path.name)
        return sha256_json([[path.as_posix(), found.get(path) or self.of(path)] for path in there])

    def _knows(self, file: Path) -> bool:
        return self.known.get(str(file.absolute()), [])[:2] == _state(file)

    def remember(self) -> None:
        """Writes the digests if there are new ones."""
        if self._new:
            write_text(self.path, json.dumps(self.known))  # ASCII, so that any name comes back
            self._new = False


def _state(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_size, found.st_mtime_ns]


def digest_of_files(files: Iterable[Path], run_dir: Path, *, remember: bool) -> str:
    """Returns what changes when a file of them comes, goes or changes its content.

    Args:
        files: Absent ones do not count.
        run_dir: Of the run that remembers digests.
        remember: Whether new ones are written there.
    """
    digests = FileDigests(run_dir)
    digest = digests.of_all(files)
    if remember:
        digests.remember()
    return digest


def without_own(files: Iterable[Path], folder: Path, run_dir: Path) -> Iterator[Path]:
    """Yields the files in `folder`, except those of a run folder inside it."""
    own = run_dir.resolve()
    inside = own.is_relative_to(folder.resolve())  # drawn data lie in the run's folder instead
    return (file for file in files if not (inside and file.resolve().is_relative_to(own)))
