"""Pose graphs that need no torch: those of another model, and exports kept for later runs.

A graph travels with its sidecar, which vouches for it. An export is kept in the user's cache folder
by what it was made from: the digest of the weights, the size and the skeleton.
"""

import shutil
from pathlib import Path

from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.artifacts.user_cache import kept_graphs
from pose_activity.stage1_pose.predict import GRAPH, SIDECAR, load

_VERSION = 1  # of how weights are exported


def copy(source: Path, folder: Path) -> None:
    """Copies a graph and its sidecar.

    Args:
        source: The folder stage1 of a run, or a packaged model.
        folder: Where they are copied to; made when missing.

    Raises:
        FileNotFoundError: one of the two is missing.
        ValueError: they do not belong together.
    """
    load(source, engine="onnxruntime", threads=1)
    for name in (GRAPH, SIDECAR):  # the sidecar last: it vouches for the graph
        with atomic.replacing(folder / name) as temporary:
            shutil.copyfile(source / name, temporary)


def place_of(weights: Path, *, size: int, skeleton: str) -> Path:
    """Returns the folder in which an export of weights is kept; it may not exist."""
    made_of = [sha256_file(weights), size, skeleton, _VERSION]
    return kept_graphs() / f"{weights.stem}-{sha256_json(made_of)[:16]}"


def take(place: Path, folder: Path) -> bool:
    """Copies a kept export into `folder`; returns False where none is kept, or a damaged one."""
    try:
        copy(place, folder)
    except (OSError, ValueError):
        return False
    return True


def keep(folder: Path, place: Path) -> bool:
    """Keeps the export that is in `folder`; returns False where `place` cannot be written to."""
    try:
        copy(folder, place)
    except OSError:
        return False
    return True
