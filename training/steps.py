"""How steps keep house: whether one is up to date, and who may run it."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pose_activity.artifacts import manifest
from pose_activity.artifacts.atomic import write_json, write_text
from pose_activity.artifacts.lock import locked
from pose_activity.artifacts.removal import remove
from pose_activity.configs import reading
from pose_activity.configs.loading import AnyRun
from pose_activity.training import remake
from pose_activity.training.console import console, say
from pose_activity.training.plan import plan_of, recipe_of, sources_of, steps_of
from pose_activity.training.versions import versions

NOT_FINISHED = "not finished"

Made = tuple[list[Path], dict[str, Any]]  # a step's outputs to vouch for, and counts to show


def run_step(run: AnyRun, step: str, make: Callable[[Any, Path], Made]) -> None:
    """Brings one step up to date: skips it, or makes it and vouches for it.

    Args:
        run: The whole configuration.
        step: One of `sections.STEPS`.
        make: Called with the run and the folder to make the step in: its own, or one beside the
            result that is there, which stays until the new one is whole.

    Raises:
        ValueError: an earlier step is missing or fits another configuration.
        BlockingIOError: another process works on this run.
    """
    steps = steps_of(run)
    console.rule(f"[bold]{step}", align="left")
    if step not in steps:
        say("not needed in this run")
        return
    folder = run.run_dir / step
    with locked(run.run_dir):
        for done in steps:
            remake.settle(run.run_dir / done, done)
        require(run, steps[: steps.index(step)])
        outer = {name: digest() for name, digest in sources_of(run, step).items()}
        why = why_stale(run, step, outer) or plan_of(run).lost_files(step)
        if not why:
            say(f"up to date: {folder}")
            return
        say(f"making {folder}: {'; '.join(why[:3])}")
        for litter in [*folder.rglob(".tmp-*")]:  # of a killed process
            remove(litter)
        work = remake.begin(folder, step)
        write_text(run.run_dir / "config.yaml", reading.dump(run))
        write_json(run.run_dir / "versions.json", versions())
        started = time.monotonic()
        outputs, counts = make(run, work)
        seconds = time.monotonic() - started
        own = manifest.read(work) or {"counts": {}}  # the cache's, which vouches for itself
        manifest.write(
            work,
            recipe=recipe_of(run, step),
            inputs=plan_of(run).inner_inputs(step) | outer,
            outputs=outputs,
            counts=own["counts"] | counts,
            seconds=seconds,
        )
        remake.finish(folder, step, work)
    say(f"in {seconds:.0f} s: {folder}", mark="done", style="green")


def require(run: AnyRun, steps: Sequence[str]) -> None:
    """Refuses to build on an earlier step that is unfinished, or was made from something else.

    What lies outside the run folder (labels, pictures, weights) may be gone by then.
    """
    for step in steps:
        lines = why_stale(run, step, dict.fromkeys(sources_of(run, step)))
        hint = f"Run: python train.py {step} --config ..."
        if lines == [NOT_FINISHED]:
            raise ValueError(f"Step {step!r} is not finished. {hint}")
        if lines:
            raise ValueError(f"Step {step!r} does not fit: {'; '.join(lines)}. {hint}")


def why_stale(run: AnyRun, step: str, outer: Mapping[str, str | None]) -> list[str]:
    """Returns a line for each reason to make a step again; without one its results fit the run.

    Args:
        run: The whole configuration.
        step: One of `steps_of(run)`, the steps before it finished.
        outer: Name -> digest of each of `sources_of(run, step)`; None where it is not compared.

    Raises:
        ValueError: the step's manifest, or what an earlier step left, is damaged.
        FileNotFoundError: what an earlier step should have left is not there.
    """
    folder = run.run_dir / step
    found = manifest.read(folder)
    if found is None:
        return [NOT_FINISHED]
    before = found["inputs"]
    inputs = plan_of(run).inner_inputs(step) | {
        name: before.get(name, "?") if digest is None else digest for name, digest in outer.items()
    }
    return manifest.why_stale(folder, recipe=recipe_of(run, step), inputs=inputs, step=step)
