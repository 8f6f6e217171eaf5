"""Where pretrained pose weights come from: a path, a folder, or the official download.

Knows nothing of torch: the download itself is handed in by a room that may import ultralytics.
"""

import os
from collections.abc import Callable
from pathlib import Path

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.artifacts.user_cache import user_cache

FOLDER_VARIABLE = "POSE_ACTIVITY_WEIGHTS"
_ARCHITECTURES = (".yaml", ".yml")

Download = Callable[[str, Path], None]


class WeightsError(FileNotFoundError):
    """Weights were found nowhere; the message names the places."""


def find(
    name_or_path: str | Path,
    *,
    download: Download | None = None,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Finds weights.

    Looks at `name_or_path` itself, then in the folder that the environment variable
    POSE_ACTIVITY_WEIGHTS names, then downloads the official file into that folder (without the
    variable: into the user's cache folder, which is searched first).

    Args:
        name_or_path: "yolov8n-pose.pt", a path, or a `.yaml` name or file: from scratch.
        download: Called with a bare file name and the path to write; None forbids downloading.
        on_progress: Called before a download, and after it with the file's sha256.

    Returns:
        The file. For a `.yaml` that is not a file: its name unchanged, which ultralytics knows.

    Raises:
        WeightsError: it is in none of the three places.
    """
    given = Path(name_or_path)
    if given.is_file():
        return given
    if given.suffix in _ARCHITECTURES:
        return given
    folder = weights_folder()
    target = folder / given.name
    if target.is_file():
        return target
    reason = "not tried, since the name is a path"
    if given.name == str(name_or_path):
        reason = "not allowed here" if download is None else _fetch(download, target, on_progress)
        if not reason:
            return target
    raise WeightsError(
        f"No pose weights {str(name_or_path)!r}. Looked for: (1) a file at that path; "
        f"(2) {given.name} in {folder}, the folder of the environment variable {FOLDER_VARIABLE} "
        f"or, without it, the user's cache; (3) the official download: {reason}. "
        f"Give a path to a .pt file, or set {FOLDER_VARIABLE} to a folder that holds it."
    )


def are_trained(weights: Path) -> bool:
    """Returns whether a file holds weights: a `.yaml` file describes an architecture alone."""
    return weights.is_file() and weights.suffix not in _ARCHITECTURES


def weights_folder() -> Path:
    """Returns the folder in which weights are looked for and downloaded to; it may not exist."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    return user_cache() / "weights"


def _fetch(download: Download, target: Path, on_progress: ProgressCallback | None) -> str:
    """Downloads; returns why it failed, or an empty string."""
    report = on_progress or (lambda done, total, text: None)
    report(0, 1, f"downloading {target.name} to {target.parent}")
    try:
        download(target.name, target)
    except Exception as error:  # any network, disk or server trouble is the same to the caller
        return f"failed ({type(error).__name__}: {error})"
    if not target.is_file():
        return f"failed (nothing arrived at {target})"
    report(1, 1, f"downloaded {target.name}, sha256 {sha256_file(target)}")
    return ""
