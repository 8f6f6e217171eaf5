"""What must hold before ultralytics is imported, so that it keeps to itself.

No settings file in the home folder, no telemetry, no pip install, no font download, no pickled
code in checkpoints. Imports neither torch nor ultralytics: the rooms that do call `prepare` first.
"""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def prepare() -> Path:
    """Sets the environment once per process.

    Returns:
        ultralytics' configuration folder: a fresh one that is removed when the process ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="pose-activity-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
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


def _place_font(folder: Path) -> None:
    """Puts a font that matplotlib brings where ultralytics would otherwise download Arial to."""
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        shutil.copyfile(font, folder / name)
