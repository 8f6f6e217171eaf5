"""A configuration of either kind: of pictures (`data`) or of clips (`clips`)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from configs import motion, schema
from configs.reading import check, read_tree

AnyRun = schema.Run | motion.ClipRun


def load(path: Path, overrides: Sequence[str] = ()) -> AnyRun:
    """Reads a configuration; it is one of clips where it has the key `clips`.

    Args:
        path: A YAML file.
        overrides: `key=value` with dots in the key: `stage2.epochs=5`; see `configs.reading`.

    Raises:
        ConfigError: it cannot be read or is wrong; lists every mistake.
    """
    tree = read_tree(path)
    return check(path, tree, overrides, motion.ClipRun if "clips" in tree else schema.Run)


def check_paths(run: AnyRun, steps: Iterable[str]) -> None:
    """Checks that what the steps read from outside the run folder is there.

    Raises:
        ConfigError: lists every path that is not.
    """
    if isinstance(run, schema.Run):
        schema.check_paths(run, steps)
    else:
        motion.check_paths(run, steps)
