"""`train.py clean`: frees disk by removing what train.py wrote and can make again.

A finished step stays finished: its manifest, scores, graphs and the configuration are kept,
unless everything is to go. Only files that train.py writes are removed (`training.own_files`):
other files in the run folder stay, and so does everything outside of it, links included.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

from pose_activity.artifacts import manifest
from pose_activity.artifacts.lock import NAME as LOCK
from pose_activity.artifacts.lock import locked
from pose_activity.artifacts.removal import remove
from pose_activity.configs import sections
from pose_activity.inference import precision_records
from pose_activity.training.console import say, say_notes, say_rows
from pose_activity.training.file_digest import MEMORY
from pose_activity.training.own_files import (
    DATASET,
    INT8,
    LOGS,
    POSE_STATES,
    STATES,
    TENSORS,
    files_of,
    patterns_of,
    prune,
)
from pose_activity.training.remake import MOVING, NEW, WHOLE
from pose_activity.training.runs import CONFIG, SEARCH, VERSIONS, bytes_below, check_run

ALL = "all"


def _of(step: str, patterns: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{step}/{pattern}" for pattern in patterns)


_STEPS = (
    *(p for step in sections.STEPS for p in _of(step, (manifest.NAME, *patterns_of(step)))),
    *(p for step in ("stage1", "stage2") for p in _of(step, INT8)),
    *(p for step in sections.STEPS for p in _of(step, (NEW, WHOLE, MOVING))),
    *LOGS,
)
# The trials of a search are runs, too; what was tried and the best settings are kept.
_TRIALS = _of(f"{SEARCH}/trial_*", (*_STEPS, MEMORY, VERSIONS, CONFIG, LOCK))
_SEARCHED = _of(SEARCH, ("study.db", "search.csv", "search.md", "best.yaml"))
_BEGUN = (f"stage1/{NEW}", f"stage2/{NEW}")  # a step that is made again while its old result stays
KINDS = {  # name -> description, and the files below a run folder
    "tensors": ("drawn planes; the cache step draws them again", _of("cache", TENSORS)),
    "logs": ("TensorBoard's curves; only another training makes them", LOGS),
    "states": (
        "intermediate states of trainings; an unfinished one restarts",
        (*_of("stage2", STATES), *_of("stage1", POSE_STATES), *_BEGUN),
    ),
    "dataset": ("stage 1's copy of its training pictures", _of("stage1", DATASET)),
    SEARCH: ("trials of a search; its table and its best settings stay", _TRIALS),
    ALL: (
        "every step, with scores, graphs and the configuration",
        (*_STEPS, *_TRIALS, *_SEARCHED),
    ),
}
UNFINISHED = ("stage2/history.csv", "stage2/training.json")  # useless without the states
LITTER = (
    ".old-*",
    "*/.old-*",
    "*/.tmp-*",
    f"{SEARCH}/trial_*/*/.tmp-*",
)  # of killed processes; goes with every kind
LAST = (
    precision_records.NAME,
    MEMORY,
    VERSIONS,
    CONFIG,
)  # without them the folder is not a run any more
PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Removable:
    """Something that can be removed.

    Attributes:
        path: A file, a hidden folder, or a folder from which `files` are removed.
        kind: A key of `KINDS`, or "litter".
        size: Bytes on disk of what is removed.
        files: What is removed: `path` itself, or files in it.
    """

    path: Path
    kind: str
    size: int
    files: tuple[Path, ...]


def clean(run_dir: Path, kind: str | None, *, agree: Callable[[str], bool]) -> int:
    """Shows what a kind holds and removes it; without a kind it only shows what each one holds.

    Args:
        run_dir: A run folder.
        kind: A key of `KINDS`, or None.
        agree: Asked before anything is removed.

    Returns:
        The bytes that were freed.

    Raises:
        ValueError: an unknown kind, or a folder that is not a run.
        BlockingIOError: a process works on this run.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"--what must be one of {', '.join(KINDS)}. Received: {kind!r}")
    check_run(run_dir)
    if PROJECT.is_relative_to(run_dir.resolve()):
        raise ValueError(f"{run_dir} holds this program itself: nothing in it is removed.")
    if kind is None:
        rows = [_row(run_dir, name, find(run_dir, name)) for name in KINDS]
        say_rows(f"{run_dir}: choose with --what", rows)
        return 0
    with locked(run_dir):
        found = find(run_dir, kind)
        if not found:
            say(f"nothing to remove in {run_dir}")
            return 0
        say_rows(f"{run_dir}: {KINDS[kind][0]}", [_line(run_dir, item) for item in found])
        size = sum(item.size for item in found)
        if not agree(f"Remove {decimal(size)}?"):
            return 0
        remove_found(run_dir, found)
        say(decimal(size), mark="freed", style="green")
        say_notes(_kept(run_dir, found))
    _drop_if_empty(run_dir)
    return size


def find(run_dir: Path, kind: str) -> list[Removable]:
    """Returns what there is of a kind in a run folder, and what killed processes left.

    In the order of removal: a step's manifest is removed before the step's files.
    """
    patterns = KINDS[kind][1] + (LAST if kind == ALL else ())
    if kind == "states" and not (run_dir / "stage2" / "classifier.keras").exists():
        patterns = UNFINISHED + patterns
    groups: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path in _first(_matching(run_dir, patterns)):
        groups[_group(run_dir, path, kind), kind].append(path)
    for path in _matching(run_dir, LITTER):
        groups[path, "litter"].append(path)
    found = [
        Removable(path, name, _freed(files), tuple(files)) for (path, name), files in groups.items()
    ]
    return sorted(found, key=lambda item: item.path in [run_dir / name for name in LAST])


def _freed(files: Sequence[Path]) -> int:
    """Returns the bytes that their removal frees: none of a file that has another name."""
    removed = Counter(_inode(path) for path in files)
    sizes = {}
    for path in files:
        found = path.lstat()
        if path.is_dir() or found.st_nlink <= removed[_inode(path)]:
            sizes[_inode(path)] = bytes_below(path)
    return sum(sizes.values())


def _inode(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino


def remove_found(run_dir: Path, found: Sequence[Removable]) -> None:
    """Removes what was found and the folders that are empty then.

    Killed on the way, it leaves no step that looks finished.
    """
    files = [file for item in found for file in item.files]
    for file in sorted(files, key=lambda file: file.name != manifest.NAME):
        remove(file)
    prune(run_dir, files)


def _matching(run_dir: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Yields files that fit, and hidden folders, which are all our own; nothing through a link."""
    for pattern in patterns:
        yield from files_of(run_dir, [pattern])
        for path in run_dir.glob(pattern):
            ours = path.is_dir() and path.name.startswith(".")
            if ours and not (path.is_symlink() or path.parent.is_symlink()):
                yield path


def _first(paths: Iterator[Path]) -> Iterator[Path]:
    """Yields each path once."""
    return iter(dict.fromkeys(paths))


def _group(run_dir: Path, path: Path, kind: str) -> Path:
    """Returns the folder, or the file, under which a file is listed."""
    inner = path.relative_to(run_dir).parts
    depth = 1 if kind == ALL else 2
    return run_dir.joinpath(*inner[:depth])


def _drop_if_empty(run_dir: Path) -> None:
    if {path.name for path in run_dir.iterdir()} <= {LOCK}:
        (run_dir / LOCK).unlink(missing_ok=True)
        run_dir.rmdir()


def _kept(run_dir: Path, found: Sequence[Removable]) -> Iterator[str]:
    """Yields a sentence on the files that stayed in the folders that were cleaned."""
    folders = {item.path for item in found if item.path.is_dir()}
    left = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    if left:
        example = left[0].relative_to(run_dir).as_posix()
        yield f"kept, since train.py did not write them: {len(left)} files, such as {example}"


def _row(run_dir: Path, name: str, found: list[Removable]) -> dict[str, str]:
    size = sum(item.size for item in found)
    return {"--what": name, "frees": decimal(size), "what it is": KINDS[name][0]}


def _line(run_dir: Path, item: Removable) -> dict[str, str]:
    path = item.path.relative_to(run_dir).as_posix()
    return {"path": path, "kind": item.kind, "size": decimal(item.size)}
