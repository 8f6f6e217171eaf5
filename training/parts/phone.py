"""Which network the command `phone` writes of a run on body parts."""

from pathlib import Path
from typing import Any

from pose_activity.cache.store import open_cache
from pose_activity.configs.parts import PartsRun

NAME = "parts"


def network_of(run: PartsRun, folder: Path) -> Any:
    """Returns the Keras network with an answer for each pixel, as it was exported.

    Args:
        run: The whole configuration.
        folder: Of its step `stage2`.
    """
    from pose_activity.stage1_parts.export import load_network

    recipe = open_cache(run.run_dir / "cache").recipe
    return load_network(folder, recipe, mirror=run.stage2.mirror)
