"""What a text says to run next: as this process was started, from a checkout or as installed."""

import os

_INSTALLED = "POSE_ACTIVITY_COMMAND"  # set while `pose-activity` runs, and in what it starts
_SCRIPTS = {"train": "train.py", "predict": "infer.py", "serve": "serve.py"}


def remember_installed() -> None:
    """Notes that the command `pose-activity` runs, for this process and those that it starts."""
    os.environ[_INSTALLED] = "1"


def program(name: str) -> list[str]:
    """Returns the words that begin a command: `pose-activity train`, or `python train.py`.

    Args:
        name: "train", "predict" or "serve".
    """
    return ["pose-activity", name] if _INSTALLED in os.environ else ["python", _SCRIPTS[name]]


def install(extra: str) -> str:
    """Returns how the packages of an extra are installed; the project is on no package index."""
    return f"pip install '.[{extra}]', in a checkout"


def command(name: str, rest: str) -> str:
    """Returns a command as the user would type it here.

    Args:
        name: "train", "predict" or "serve".
        rest: What follows, already quoted where it must be.
    """
    return f"{' '.join(program(name))} {rest}"
