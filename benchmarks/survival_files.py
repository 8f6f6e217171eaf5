"""Whether files are whole, and whether two folders hold the same, for benchmarks/survival.py."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pyarrow.parquet as pq

_TIMES = ("seconds", "time")  # columns that differ from run to run
_DATED = "weights_sha256"  # the digest of a checkpoint, in pose.json
# Not the step's result: what vouches for it (with seconds), ultralytics' own files (with dates and
# places), and what may be removed.
_LEFT_OUT = (
    "manifest.json",
    "features.parquet",
    "fitted.json",
    "args.yaml",
    "*.pt",
    "*.cache",
    "events.*",
    ".*",
)
# Written bit by bit by libraries; a resumed training writes them anew.
_GROWING = ("args.yaml", "results.csv", "*.cache", "events.*", "*.partial", "tensorflow.txt")


def _is_archive(path: Path) -> None:
    if zipfile.ZipFile(path).testzip():
        raise ValueError(path)


def _is_image(path: Path) -> None:
    if cv2.imread(str(path)) is None:
        raise ValueError(path)


def _is_text(path: Path) -> None:
    if not path.read_text(encoding="utf-8").endswith("\n"):
        raise ValueError(path)


_READ: dict[str, Callable[[Path], object]] = {
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    ".parquet": pq.read_table,
    ".npy": lambda path: np.load(path, allow_pickle=False),
    ".onnx": onnx.load,
    **dict.fromkeys((".pt", ".keras", ".npz"), _is_archive),
    **dict.fromkeys((".png", ".jpg"), _is_image),
    **dict.fromkeys((".csv", ".jsonl", ".txt", ".md", ".yaml"), _is_text),
}


def broken_files(folder: Path) -> list[Path]:
    """Returns the files under a final name that are not whole."""
    return [path for path in _files(folder, (".*", *_GROWING)) if not _is_whole(path)]


def digests_of(path: Path) -> dict[str, str]:
    """Returns the sha256 of each file of a result, by its name; without times in tables."""
    if path.is_file():
        return {path.name: _digest(path)}
    return {str(file.relative_to(path)): _digest(file) for file in _files(path, _LEFT_OUT)}


def _files(folder: Path, left_out: tuple[str, ...]) -> list[Path]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if not any(path.match(pattern) for pattern in left_out)]


def _is_whole(path: Path) -> bool:
    try:
        _READ.get(path.suffix, Path.stat)(path)
    except Exception:  # whatever a reader says of a file that it cannot read
        return False
    return True


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(content.decode(errors="surrogateescape")))
        kept = [{k: v for k, v in row.items() if k not in _TIMES} for row in rows]
        content = json.dumps(kept).encode()
    elif path.suffix == ".json" and isinstance(found := json.loads(content), dict):
        found.pop(_DATED, None)
        content = json.dumps(found).encode()
    return hashlib.sha256(content).hexdigest()
