"""`train.py clean`: frees disk by removing what train.py wrote and can make again.

A finished step stays finished: what vouches for it, scores, graphs and the configuration are kept,
unless everything is to go. Nothing that lies outside the run folder is touched, links included.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal
from rich.markup import escape

from artifacts import manifest
from artifacts.lock import locked
from configs import sections
from inference import precision
from training.runs import CONFIG, VERSIONS, bytes_below, check_run
from training.say import console, say_rows

ALL = "all"
KINDS = {  # name -> what it is, and the paths below a run folder
    "tensors": ("drawn planes; the cache step draws them again", ("cache/tensors",)),
    "logs": ("TensorBoard's curves; only another training makes them", ("logs",)),
    "states": (
        "rests of trainings; an unfinished one begins anew",
        ("stage2/states", "stage1/round*/weights"),
    ),
    "dataset": ("stage 1's copy of its training pictures", ("stage1/dataset",)),
    ALL: ("every step, with scores, graphs and the configuration", (*sections.STEPS, "logs")),
}
UNFINISHED = ("stage2/history.csv", "stage2/training.json")  # they speak of the states
LITTER = (".old-*", "*/.old-*", "*/.tmp-*")  # of killed processes; goes with every kind
PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Find:
    """Something that can be removed.

    Attributes:
        path: A file or a folder.
        kind: A key of `KINDS`, or "litter".
        size: Its bytes on disk.
    """

    path: Path
    kind: str
    size: int


def clean(run_dir: Path, kind: str | None, *, agree: Callable[[str], bool]) -> int:
    """Shows what a kind holds and removes it; without a kind it only shows what each one holds.

    Args:
        run_dir: A run folder.
        kind: A key of `KINDS`, or None.
        agree: Asked before anything is removed.

    Returns:
        The bytes that were freed.

    Raises:
        ValueError: an unknown kind, or a folder that is no run.
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
            console.print(
                f"nothing to remove in {escape(str(run_dir))}", soft_wrap=True, highlight=False
            )
            return 0
        say_rows(f"{run_dir}: {KINDS[kind][0]}", [_line(run_dir, item) for item in found])
        size = sum(item.size for item in found)
        if not agree(f"Remove {decimal(size)}?"):
            return 0
        remove(item.path for item in found)
        console.print(f"[green]freed[/] {decimal(size)}", highlight=False)
    _drop_if_empty(run_dir)
    return size


def find(run_dir: Path, kind: str) -> list[Find]:
    """Returns what there is of a kind in a run folder, and what killed processes left."""
    patterns = KINDS[kind][1]
    if kind == ALL:
        patterns += (precision.NAME, CONFIG, VERSIONS)
    if kind == "states" and not (run_dir / "stage2" / "classifier.keras").exists():
        patterns += UNFINISHED
    inner = {path: kind for pattern in patterns for path in run_dir.glob(pattern)}
    for pattern in LITTER:
        for path in run_dir.glob(pattern):
            if not inner.keys() & {path, *path.parents}:
                inner[path] = "litter"
    found = [
        Find(path, name, bytes_below(path))
        for path, name in inner.items()
        if not _is_linked(run_dir, path)
    ]
    # Files last: without its configuration, the rest is no run any more.
    return sorted(found, key=lambda item: (item.path.is_file(), item.path))


def remove(paths: Iterable[Path]) -> None:
    """Removes files and folders; killed on the way, it leaves no step that looks finished.

    A folder is renamed first, so that no half of it is ever taken for the whole.
    """
    for path in paths:
        if path.is_file():
            path.unlink()
        elif path.name.startswith("."):
            shutil.rmtree(path)
        else:
            old = path.with_name(f".old-{path.name}")
            (path / manifest.NAME).unlink(missing_ok=True)
            shutil.rmtree(path.rename(old))


def _is_linked(run_dir: Path, path: Path) -> bool:
    """Tells whether a link lies on the way: what it leads to may be somebody else's."""
    inner = path.relative_to(run_dir).parts
    return any(run_dir.joinpath(*inner[: i + 1]).is_symlink() for i in range(len(inner)))


def _drop_if_empty(run_dir: Path) -> None:
    if {path.name for path in run_dir.iterdir()} <= {".lock"}:
        shutil.rmtree(run_dir)


def _row(run_dir: Path, name: str, found: list[Find]) -> dict[str, str]:
    size = sum(item.size for item in found)
    return {"--what": name, "frees": decimal(size), "what it is": KINDS[name][0]}


def _line(run_dir: Path, item: Find) -> dict[str, str]:
    path = item.path.relative_to(run_dir).as_posix()
    return {"path": path, "kind": item.kind, "size": decimal(item.size)}
