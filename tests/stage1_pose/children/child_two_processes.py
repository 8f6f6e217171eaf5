"""Trains on DATA from the weights START, in OUT, in two processes; prints what was reported."""

import json
import os
import sys
from pathlib import Path

from pose_activity.stage1_pose import ultralytics_env
from pose_activity.stage1_pose.fit import fit
from pose_activity.stage1_pose.options import PoseFit


def main(data: Path, start: Path, out: Path) -> None:
    """Trains; the classes that have no GPU are put in the place of those that need one."""
    ultralytics_env.prepare()
    from pose_activity.stage1_pose import resumable_trainer
    from tests.stage1_pose.children.two_processes import OnTwoProcesses

    resumable_trainer.ResumableTrainer = OnTwoProcesses
    os.environ["PARENT"] = str(os.getpid())
    options = PoseFit(
        epochs=(3,), image_size=64, batch=4, nbs=8, device="0,1", plots=False, workers=0, freeze=0,
        preserve_start=False,
    )  # fmt: skip
    told: list[tuple[int, int, str]] = []
    logs = out.with_name(f"{out.name}-logs")
    fit(data, start, out, options, threads=1, logs=logs, on_progress=lambda *now: told.append(now))
    print(json.dumps(told))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
