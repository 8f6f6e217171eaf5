"""The trials of a search made by the workers of a Ray cluster, several at once.

A worker has as many CPUs as the run has threads, and makes each step of a trial in a process of its
own, as without a cluster. All machines see the run folder at the same path.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pose_activity.configs import loading
from pose_activity.runtime.cluster import Cluster, Task
from pose_activity.runtime.progress import progress_bar
from pose_activity.training import search_space
from pose_activity.training.console import console
from pose_activity.training.search import Trials
from pose_activity.training.search_study import RoundObjective, TrialRequest


def on_cluster(make: Trials, *, address: str) -> RoundObjective:
    """Returns what has a cluster make the trials of a round.

    Args:
        make: What makes one here.
        address: See `Cluster`.
    """
    arguments = {
        "config": os.fspath(loading.find(make.config).absolute()),
        "overrides": [*make.overrides],
        "program": [*make.program],
    }
    task = Task("pose_activity.training.search_on_cluster", "worker", arguments)
    cluster = Cluster(address, cpus=make.run.threads)

    def objective(asked: Sequence[TrialRequest]) -> Sequence[dict[str, float] | str]:
        requests = [json.dumps(vars(one)) for one in asked]
        with progress_bar(f"making {len(asked)} trials", console) as show:
            return cluster.run(
                task, requests, on_progress=lambda done, total, item: show(done, total, "")
            )

    return objective


def worker(config: str, overrides: Sequence[str], program: Sequence[str]) -> "Worker":
    """Returns what makes trials in a process of a cluster; see `runtime.cluster.Task`."""
    run = search_space.load(Path(config), overrides)
    return Worker(Trials(Path(config), overrides, run, program))


class Worker:
    """Makes a trial that it is told as JSON."""

    def __init__(self, make: Trials) -> None:
        self._make = make

    def __call__(self, request: str) -> dict[str, float] | str:
        """Returns the trial's figures, or why it failed."""
        asked = json.loads(request)
        try:
            return self._make(asked["settings"], asked["folder"], lambda epoch, figure: False)
        except (ValueError, OSError) as error:
            return str(error)
