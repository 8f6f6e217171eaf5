"""Where stage 1's weights come from, reported on the console."""

from pathlib import Path

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.stage1_pose.export import download
from pose_activity.stage1_pose.weights import find
from pose_activity.training.console import say


def find_weights(weights: str, *, look_only: bool = False) -> Path:
    """Finds a weight file; downloads the official ones if they are not on this machine.

    Args:
        weights: A path, or the name of a published file.
        look_only: Whether no download is attempted.
    """

    def tell(done: int, total: int, text: str) -> None:
        say(text)

    return find(weights, download=None if look_only else download, on_progress=tell)


def digest_weights(weights: str, *, look_only: bool = False) -> str:
    """Returns what identifies a weight file: its sha256, or an architecture's name."""
    found = find_weights(weights, look_only=look_only)
    return sha256_file(found) if found.is_file() else found.name
