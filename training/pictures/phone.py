"""Which network the command `phone` writes of a run on pictures."""

from pathlib import Path
from typing import Any

from pose_activity.configs.pictures import PictureRun
from pose_activity.learning.history import TRAINING_FILES

NAME = "classifier"
_KERAS = TRAINING_FILES[0]


def network_of(run: PictureRun, folder: Path) -> Any:
    """Returns the Keras network of planes to probabilities, as it was exported.

    Args:
        run: The whole configuration.
        folder: Of its step `stage2`.

    Raises:
        ValueError: its classifier is not one Keras network of one tensor.
    """
    if not (folder / _KERAS).is_file():
        raise ValueError(
            f"A LiteRT file is made of one Keras network, and {folder} holds none: its classifier "
            "is linear, on features that do not change. Train with stage2.linear: null."
        )
    from pose_activity.stage2_classifier.export import load_network

    network = load_network(folder)
    if len(network.inputs) > 1:
        names = ", ".join(tensor.name for tensor in network.inputs)
        raise ValueError(
            f"A LiteRT file is made of a network of one tensor. Received: {folder / _KERAS}, "
            f"which looks at several: {names}. Leave views out (cache.views)."
        )
    return network
