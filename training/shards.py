"""A step made shard by shard, by jobs or workers that know nothing of each other, then merged.

    RUN/STEP/parts/part-0000i-of-0000n/    what one shard leaves; its manifest is written last

Jobs of one step run at the same time: each locks its own part alone, and writes nowhere else. Knows
no kind of run; `steps.Sharding` says how a step is made that way.
"""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pose_activity.artifacts import manifest
from pose_activity.artifacts.lock import locked
from pose_activity.artifacts.shards import Shard, require_all, shards
from pose_activity.configs.sections import Run
from pose_activity.runtime.cluster import Cluster, Task
from pose_activity.runtime.progress import progress_bar
from pose_activity.training import runs
from pose_activity.training.console import console, say
from pose_activity.training.own_files import files_of
from pose_activity.training.steps import MadeFrom, Sharding, Step, as_json, require, steps_of

PARTS = "parts"


class PartMaker:
    """Makes parts of one step, one after another; what they share is loaded once."""

    def __init__(self, run: Run, name: str) -> None:
        """Checks that the steps before it are finished.

        Args:
            run: The whole configuration.
            name: Of the step.

        Raises:
            ValueError: the run does not have the step, it cannot be divided, or an earlier one is
                missing or does not fit.
        """
        steps = {step.name: step for step in steps_of(run, look_only=True)}
        if name not in steps:
            raise ValueError(f"This run does not need the step {name}: nothing is to be made.")
        self._run, self._step = run, steps[name]
        self._sharding = _sharding_of(self._step)
        require(run, [*steps.values()][: [*steps].index(name)])
        self._asked = MadeFrom(self._step.recipe(), self._step.inputs())
        self._make = self._sharding.maker()

    def __call__(self, shard: Shard) -> bool:
        """Makes one part; returns whether it was to be made, and not finished before.

        Raises:
            BlockingIOError: another process makes this very part.
        """
        folder, recipe = part_folder(self._run, self._step, shard), as_json(self._asked.recipe)
        with locked(folder):
            inputs = self._asked.inputs | self._sharding.inputs(shard)
            if not manifest.why_stale(folder, recipe=recipe, inputs=inputs, step=self._step.name):
                return False
            counts = self._make(folder, MadeFrom(self._asked.recipe, inputs), shard)
            own = manifest.read(folder) or {"counts": {}}
            manifest.write(
                folder,
                recipe=recipe,
                inputs=inputs,
                outputs=files_of(folder, self._sharding.files or self._step.files),
                counts=own["counts"] | counts,
            )
            return True


def make_part(run: Run, name: str, shard: Shard) -> None:
    """Makes one part of a step, unless it is finished; see `PartMaker`."""
    console.rule(f"[bold]{name}, shard {shard}", align="left")
    made = PartMaker(run, name)(shard)
    where = run.run_dir / name / PARTS / shard.name
    say(f"{where}" if made else f"up to date: {where}", mark="done" if made else "", style="green")


def collect(run: Run, step: Step, *, count: int) -> Sequence[Path]:
    """Returns the folders of all parts of a step, in order.

    Raises:
        PartsMissingError: names the shards whose parts are not finished.
        StaleError: a part was made from something else.
    """
    sharding, recipe = _sharding_of(step), as_json(step.recipe())
    folder_of = partial(part_folder, run, step)
    require_all(
        count,
        lambda shard: manifest.read(folder_of(shard)) is not None,
        where=run.run_dir / step.name / PARTS,
    )
    inputs = step.inputs()
    for shard in shards(count):
        asked = inputs | sharding.inputs(shard)
        why = manifest.why_stale(folder_of(shard), recipe=recipe, inputs=asked, step=step.name)
        if why:
            raise manifest.StaleError(
                f"{folder_of(shard)} does not fit: {'; '.join(why[:3])}. Make shard {shard} again."
            )
    return [folder_of(shard) for shard in shards(count)]


def spread(run: Run, step: Step, *, count: int, cluster: Cluster) -> Sequence[Path]:
    """Has the workers of a cluster make all parts of a step; returns their folders, in order.

    Args:
        run: Its configuration is in its folder, which all machines share.
        step: The step.
        count: Number of shards; several per worker even out what takes longer.
        cluster: Who makes them.
    """
    _sharding_of(step)
    arguments = {
        "run_dir": os.fspath(run.run_dir.absolute()),
        "name": step.name,
        "threads": cluster.cpus,
    }
    task = Task("pose_activity.training.shards", "worker", arguments)
    with progress_bar(f"making {count} parts", console) as show:
        cluster.run(task, [*map(str, shards(count))], on_progress=show)
    return collect(run, step, count=count)


def worker(run_dir: str, name: str, threads: int) -> "Worker":
    """Returns what makes parts in a process of a cluster; see `runtime.cluster.Task`."""
    run = runs.open_run(Path(run_dir)).model_copy(update={"threads": threads})
    return Worker(PartMaker(run, name))


class Worker:
    """A `PartMaker` that is told a shard as text."""

    def __init__(self, make: PartMaker) -> None:
        self._make = make

    def __call__(self, shard: str) -> None:
        """Makes one part, unless it is finished."""
        self._make(Shard.parse(shard))


def part_folder(run: Run, step: Step, shard: Shard) -> Path:
    """Returns the folder of a part."""
    return run.run_dir / step.name / PARTS / shard.name


def _sharding_of(step: Step) -> Sharding:
    if step.sharding is None:
        raise ValueError(
            f"A step made shard by shard goes through images or clips one by one. Received: "
            f"{step.name}, which does not in this kind of run. Make it as a whole."
        )
    return step.sharding
