"""The version of this package, read from the installed metadata."""

from importlib import metadata

NAME = "pose-activity"


def version() -> str:
    """Returns the version; "0+checkout" where the package is not installed."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "0+checkout"
