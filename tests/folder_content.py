"""What is in a folder, to compare one way of making it with another."""

from pathlib import Path

from pose_activity.artifacts import manifest


def content_of(folder: Path) -> dict[str, bytes]:
    """All files but manifests, whose seconds differ, and locks."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if path.name not in (manifest.NAME, ".lock")
    }
