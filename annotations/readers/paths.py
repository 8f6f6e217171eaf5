r"""Names of pictures in label files into paths of this machine.

Files written on Windows name `train\a.jpg`; elsewhere a backslash is a letter like any other.
"""

from pathlib import Path


def image_path(folder: Path, name: str) -> Path:
    r"""Returns where a picture is that a label file names.

    Args:
        folder: Where relative names start.
        name: As the file has it. Backslashes are separators where that leads to something that
            exists and the name as it is does not.
    """
    path = folder / name
    if "\\" in name and not _exists(path):
        turned = folder / name.replace("\\", "/")
        if _exists(turned):
            return turned
    return path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False
