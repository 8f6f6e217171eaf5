"""Where stage 1's weights come from, told to the person at the console."""

from pathlib import Path

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.stage1_pose.export import download
from pose_activity.stage1_pose.weights import Download, find
from pose_activity.training.console import say


def find_weights(weights: str, *, download: Download | None = download) -> Path:
    """Finds a weight file; downloads the official ones where they are nowhere else.

    Args:
        weights: A path, or the name of a published file.
        download: Fetches what is nowhere; None attempts no download.
    """

    def tell(done: int, total: int, text: str) -> None:
        say(text)

    return find(weights, download=download, on_progress=tell)


def digest_weights(weights: Path) -> str:
    """Returns what tells one weight file from another: its sha256, or an architecture's name."""
    return sha256_file(weights) if weights.is_file() else weights.name
