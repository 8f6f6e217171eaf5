"""Which file a backbone starts from: a name that its model publishes, a path, or none.

A published file is looked for in Keras' own folder (`KERAS_HOME`, else `~/.keras`, there `models/`)
and downloaded if it is missing; its digest is checked either way. Importing this file imports no
TensorFlow.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.progress import ProgressCallback


class WeightsError(FileNotFoundError):
    """Published weights are not in Keras' folder and cannot be downloaded."""


@dataclass(frozen=True)
class Download:
    """A published file.

    Attributes:
        url: Where it is; its last part is the file's name.
        md5: Hex digest that its publisher gives.
    """

    url: str
    md5: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


# What a model publishes: name -> a download, or a function that knows a file on this machine.
Published = Mapping[str, Download | Callable[[], Path]]


def find(
    weights: str, published: Published, *, on_progress: ProgressCallback | None = None
) -> Path | None:
    """Finds the file that `weights` means.

    Args:
        weights: "none", a key of `published`, or the path of a file.
        published: Of the model.
        on_progress: Told before a download (file, source, folder) and, once a published file is
            there, its place and sha256.

    Returns:
        The file; None for "none".

    Raises:
        ValueError: neither a known name nor a file.
        WeightsError: a download failed, or what arrived has another digest.
    """
    if weights == "none":
        return None
    source = published.get(weights)
    if source is None:
        if Path(weights).is_file():
            return Path(weights)
        names = ", ".join(repr(name) for name in (*published, "none"))
        raise ValueError(
            f"weights must be {names} or the path of a file. "
            f"Received: {weights!r}, which is not a file"
        )
    report = on_progress or (lambda done, total, text: None)
    path = _fetch(source, report) if isinstance(source, Download) else source()
    report(1, 1, f"weights {weights!r}: {path}, sha256 {sha256_file(path)}")
    return path


def _fetch(source: Download, report: ProgressCallback) -> Path:
    """Returns the file in Keras' folder, downloaded if it is not there."""
    import keras

    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "models")
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / source.name).is_file():
        report(0, 1, f"downloading {source.url} to {folder}")
    chatty = keras.config.is_interactive_logging_enabled()
    keras.config.disable_interactive_logging()  # Keras would print a progress bar of its own
    try:
        return Path(
            keras.utils.get_file(
                source.name,
                source.url,
                file_hash=source.md5,
                cache_dir=folder.parent,
                cache_subdir=folder.name,
                hash_algorithm="md5",
            )
        )
    except Exception as error:  # any network, disk or server error is the same to the caller
        raise WeightsError(
            f"No weights {source.name}. Looked for: (1) {folder / source.name}; (2) the download "
            f"{source.url}: failed ({error}). Put the file (md5 {source.md5}) into that folder, or "
            "give a path in `weights`, or 'none'."
        ) from None
    finally:
        if chatty:
            keras.config.enable_interactive_logging()
