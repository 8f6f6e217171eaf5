"""Finds and reads a configuration: a file, a shipped one, or a run's own."""

from pathlib import Path
from typing import Any

from pose_activity.artifacts import renamed
from pose_activity.configs.reading import read_tree
from pose_activity.configs.sections import ConfigError

CONFIG, VERSIONS = "config.yaml", "versions.json"  # what every run folder holds
FOLDER = Path(__file__).parent


def find(name: Path) -> Path:
    """Finds a configuration: a file as it is named, or a shipped one by its name alone.

    Args:
        name: A path, or a name such as `folder` or `folder.yaml`.

    Raises:
        ConfigError: there is none.
    """
    if name.is_file():
        return name
    shipped = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
    found = shipped.get(name.name.removesuffix(".yaml"))
    if found and name.parent == Path():
        return found
    raise ConfigError(
        f"{name}: there is no such file, nor a shipped configuration of that name. "
        f"Shipped: {', '.join(shipped)}"
    )


def read(path: Path) -> dict[str, Any]:
    """Reads a file; old names of keys are translated in a file that a run wrote.

    Raises:
        ConfigError: it cannot be read.
    """
    tree = read_tree(path)
    written_by_run = path.name == CONFIG and path.with_name(VERSIONS).is_file()
    return renamed.translate(tree) if written_by_run else tree
