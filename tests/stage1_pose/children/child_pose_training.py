"""Trains on the data set DATA from the weights START, in OUT; dies there at the moment WHEN."""

import os
import signal
import sys
from pathlib import Path

from pose_activity.stage1_pose.fit import fit
from pose_activity.stage1_pose.options import PoseFit

# Three steps an epoch, gradients summed over two; mosaic is off in the last epoch.
OPTIONS = PoseFit(
    epochs=(3, 1),
    image_size=64,
    batch=4,
    nbs=8,
    mosaic=0.5,
    close_mosaic=1,
    freeze=0,
    lr0=1e-3,
    device="cpu",
    plots=False,
)


def main(data: Path, start: Path, out: Path, when: str = "") -> None:
    """Trains; WHEN is a progress text, "evaluating", or "writing NAME" of the second such file."""
    evaluated = 0

    def tell(done: int, total: int, text: str) -> None:
        nonlocal evaluated
        evaluated += text.startswith("round 1: pose") and done == OPTIONS.epochs[0]
        if text == when or (when == "evaluating" and evaluated == 2):
            os.kill(os.getpid(), signal.SIGKILL)

    if when.startswith("writing "):
        die_before_renaming(when.removeprefix("writing "))
    fit(data, start, out, OPTIONS, threads=1, on_progress=tell)


def die_before_renaming(name: str) -> None:
    """Kills this process when the second draft of a file is whole and not yet in its place."""
    rename, times = Path.replace, 0

    def replace(self: Path, target: Path) -> Path:
        nonlocal times
        times += Path(target).name == name
        if times == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    Path.replace = replace  # type: ignore[method-assign]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
