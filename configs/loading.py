"""A configuration of either kind: of pictures (`data`) or of clips (`clips`)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pose_activity.artifacts import renamed
from pose_activity.configs import clips as clip_config
from pose_activity.configs import pictures as picture_config
from pose_activity.configs.reading import check, read_tree
from pose_activity.configs.sections import ConfigError

CONFIG, VERSIONS = "config.yaml", "versions.json"  # what every run folder holds
AnyRun = picture_config.PictureRun | clip_config.ClipRun


FOLDER = Path(__file__).parent


def find(name: Path) -> Path:
    """Finds a configuration: a file as it is named, or a shipped one by its name alone.

    Args:
        name: A path, or a name such as `folder` or `folder.yaml`.

    Raises:
        ConfigError: there is neither.
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


def load(path: Path, overrides: Sequence[str] = ()) -> AnyRun:
    """Reads a configuration; it is one of clips where it has the key `clips`.

    Old names of keys are translated in a file that a run wrote, and refused in a person's.

    Args:
        path: See `find`.
        overrides: `key=value` with dots in the key: `stage2.epochs=5`; see `configs.reading`.

    Raises:
        ConfigError: it cannot be read or is wrong; lists every mistake.
    """
    path = find(path)
    tree = read_tree(path)
    if path.name == CONFIG and path.with_name(VERSIONS).is_file():
        tree = renamed.translate(tree)
    return check(
        path, tree, overrides, clip_config.ClipRun if "clips" in tree else picture_config.PictureRun
    )


def check_paths(run: AnyRun, steps: Iterable[str]) -> None:
    """Checks that what the steps read from outside the run folder is there.

    Raises:
        ConfigError: lists every path that is not.
    """
    if isinstance(run, picture_config.PictureRun):
        picture_config.check_paths(run, steps)
    else:
        clip_config.check_paths(run, steps)
