"""What could explain a difference between two machines: versions of packages, Python and code."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any


def versions() -> dict[str, Any]:
    """Returns what a run records about where it was made, as JSON; None if unknown."""
    names = ("numpy", "opencv-python-headless", "torch", "ultralytics-opencv-headless")
    names += ("tensorflow", "keras", "albumentations", "onnx", "onnxruntime", "openvino")
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        commit = (
            subprocess.run(git, capture_output=True, text=True, encoding="utf-8").stdout.strip()
            or None
        )
    except OSError:
        commit = None
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "git_commit": commit,
        "packages": {name: version_of(name) for name in names},
    }


def version_of(package: str) -> str | None:
    """Returns the version of an installed package, or None, without importing it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
