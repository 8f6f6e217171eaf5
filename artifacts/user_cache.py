"""Where the project keeps, for a user, what all of their runs may use again."""

import os
from pathlib import Path


def user_cache() -> Path:
    """Returns the folder, below the one that XDG_CACHE_HOME names; it may not exist."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "pose-activity"


def kept_graphs() -> Path:
    """Returns the folder of graphs that were exported from published weights."""
    return user_cache() / "graphs"
