"""What must hold before ultralytics is imported, so that it keeps to itself.

It is a version that does no harm (`OLDEST`). No settings file in the home folder, no telemetry, no
pip install, no font download, no pickled code in checkpoints. Imports neither torch nor
ultralytics: the rooms that do call `prepare` first.
"""

import atexit
import importlib.util
import os
import re
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path

from packaging.version import Version

from pose_activity.artifacts.removal import remove_tree

# Earlier ones of 8.4 run pickled code of a checkpoint whatever ULTRALYTICS_SAFE_LOAD says, and
# rewrite JPEGs through hard links.
OLDEST = "8.4.190"


@cache
def prepare() -> Path:
    """Sets the environment once per process.

    Returns:
        ultralytics' configuration folder: a fresh one that is removed when the process ends.

    Raises:
        ModuleNotFoundError: ultralytics is not installed.
        ImportError: it is older than `OLDEST`.
    """
    check_version(installed_version())
    folder = Path(tempfile.mkdtemp(prefix="pose-activity-"))
    atexit.register(_remove, folder)
    os.environ |= {
        "YOLO_CONFIG_DIR": str(folder),
        "YOLO_AUTOINSTALL": "False",
        "YOLO_OFFLINE": "True",  # telemetry and version checks; downloads that are asked for work
        "YOLO_VERBOSE": "False",
        "ULTRALYTICS_SAFE_LOAD": "True",
        "NO_ALBUMENTATIONS_UPDATE": "1",
    }
    _place_font(folder / "Ultralytics")
    return folder


def installed_version() -> str:
    """Returns ultralytics' version without importing it.

    Of the module itself: two packages bring it, and what their metadata says may be the other's.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "Stage 1 is trained and exported with ultralytics, which is not installed. Run: "
            "pip install --requirement requirements.lock"
        )
    found = re.search(r"^__version__ = \"(.+)\"", Path(spec.origin).read_text("utf-8"), re.M)
    return found[1] if found else "0"


def check_version(version: str) -> None:
    """Refuses a version that does harm.

    Raises:
        ImportError: it is older than `OLDEST`.
    """
    if Version(version) < Version(OLDEST):
        raise ImportError(
            f"ultralytics must be at least {OLDEST}: older versions run code of a checkpoint and "
            f"rewrite pictures. Received: {version}. Run: pip install --requirement "
            "requirements.lock; where the package `ultralytics` is there too, uninstall it first."
        )


def _remove(folder: Path) -> None:
    """Removes the folder at the end of the process; what stays is named on stderr."""
    try:
        remove_tree(folder)
    except OSError as error:
        warnings.warn(str(error), stacklevel=2)


def _place_font(folder: Path) -> None:
    """Puts a font that matplotlib brings where ultralytics would otherwise download Arial to."""
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        shutil.copyfile(font, folder / name)
