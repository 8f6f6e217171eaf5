"""A step of a run: what it is made from, whether it is up to date, and making it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pose_activity.artifacts import manifest
from pose_activity.artifacts.atomic import write_json, write_text
from pose_activity.artifacts.commands import command
from pose_activity.artifacts.lock import locked
from pose_activity.artifacts.removal import remove, remove_tree
from pose_activity.artifacts.shards import Shard
from pose_activity.configs import reading
from pose_activity.configs.sections import Run
from pose_activity.training import kinds, remake
from pose_activity.training.console import console, say
from pose_activity.training.own_files import files_of
from pose_activity.training.runs import CONFIG, VERSIONS
from pose_activity.training.versions import versions

Counts = dict[str, Any]  # what a finished step reports to the user


class StepRecipe(Protocol):
    """A value of the room below that is what a step asks for."""

    def as_json(self) -> dict[str, Any]:
        """Returns what the step's manifest says of it."""
        ...


Recipe = TypeVar("Recipe")


@dataclass(frozen=True)
class MadeFrom(Generic[Recipe]):
    """What a result is made from.

    Attributes:
        recipe: Everything in the configuration that decides it: JSON, or a value that becomes it.
        inputs: Name -> digest of everything that was read.
    """

    recipe: Recipe
    inputs: dict[str, str]


@dataclass(frozen=True)
class Sharding:
    """How a step is made shard by shard; what it makes whole then takes `parts`, their folders.

    Attributes:
        inputs: Returns the digests of what only this shard reads.
        maker: Loads what all shards need, and returns what makes one of them: a function of the
            part's folder, what it is made from, and the shard.
        files: Patterns of the files of a part; None: those of the step.
    """

    inputs: Callable[[Shard], dict[str, str]]
    maker: Callable[[], Callable[[Path, MadeFrom, Shard], Counts]]
    files: tuple[str, ...] | None = None


def _nothing_lost() -> list[str]:
    return []


@dataclass(frozen=True)
class Step:
    """One step of one run; every function may be called once the steps before it are finished.

    Attributes:
        name: One of `sections.STEPS`, and the name of its folder.
        recipe: Returns everything in the configuration that decides the result: JSON, or a value
            that becomes it.
        inputs: Returns the digests of what it reads inside the run folder.
        make: Makes it in a folder from its recipe and inputs. What only some steps take (`finish`)
            is passed by name.
        files: Patterns of the files in its folder that are its result: its manifest lists them.
        external_inputs: Name -> how to take the digest of each thing that is read outside the run;
            that raises OSError if the thing is gone.
        lost_files: Returns one line per thing that the finished step lacks and that can be made
            again alone, such as a file that was removed.
        sharding: How it is made shard by shard; None: only as a whole.
        apart: Whether `all` gives it a process of its own: it may import torch or TensorFlow.
    """

    name: str
    recipe: Callable[[], dict[str, Any] | StepRecipe]
    inputs: Callable[[], dict[str, str]]
    make: Callable[..., Counts]
    files: tuple[str, ...]
    external_inputs: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    lost_files: Callable[[], list[str]] = _nothing_lost
    sharding: Sharding | None = None
    apart: bool = True

    def made_from(self) -> MadeFrom:
        """Returns what the step would be made from now."""
        external = {name: digest() for name, digest in self.external_inputs.items()}
        return MadeFrom(self.recipe(), self.inputs() | external)


def steps_of(run: Run, *, look_only: bool = False) -> list[Step]:
    """Returns the steps that a run needs, in order.

    Args:
        run: The whole configuration.
        look_only: Whether taking digests writes nothing and downloads nothing.
    """
    own = kinds.kind_of(run).module("steps")
    return [getattr(own, name)(run, remember=not look_only) for name in own.step_names(run)]


def in_processes(steps: Sequence[Step]) -> list[list[Step]]:
    """Returns the steps, in order, in groups that may share a process."""
    return [
        group
        for apart, run in groupby(steps, lambda step: step.apart)
        for group in ([[step] for step in run] if apart else [[*run]])
    ]


def run_step(
    run: Run,
    name: str,
    *,
    parts: Callable[[Run, Step], Sequence[Path]] | None = None,
    **options: Any,
) -> None:
    """Brings one step up to date: skips it, or makes it and writes its manifest.

    It is made in its own folder, or beside its old result, which stays until the new one is
    complete.

    Args:
        run: The whole configuration.
        name: One of `sections.STEPS`.
        parts: Returns the folders of finished parts that the step is put together from, once it is
            to be made; they are removed at the end. None makes it as a whole.
        **options: Of the step's `make`.

    Raises:
        ValueError: an earlier step is missing, or was made by another configuration.
        BlockingIOError: another process works on this run.
    """
    steps = {step.name: step for step in steps_of(run)}
    console.rule(f"[bold]{name}", align="left")
    if name not in steps:
        say("not needed in this run")
        return
    step, folder = steps[name], run.run_dir / name
    with locked(run.run_dir):
        for done in steps:
            remake.settle(run.run_dir / done, done)
        require(run, [*steps.values()][: [*steps].index(name)])
        asked = step.made_from()
        recipe = as_json(asked.recipe)
        why = manifest.why_stale(folder, recipe=recipe, inputs=asked.inputs, step=name)
        why = why or step.lost_files()
        if not why:
            say(f"up to date: {folder}")
            return
        say(f"making {folder}: {'; '.join(why[:3])}")
        for litter in [*folder.rglob(".tmp-*")]:  # of a killed process
            remove(litter)
        work = remake.begin(folder, name)
        write_text(run.run_dir / CONFIG, reading.dump(run))
        write_json(run.run_dir / VERSIONS, versions())
        started = time.monotonic()
        made = parts(run, step) if parts else []
        options |= {"parts": made} if parts else {}
        counts = step.make(work, asked, **options)
        seconds = time.monotonic() - started
        own = manifest.read(work) or {"counts": {}}  # the cache's, which vouches for itself
        manifest.write(
            work,
            recipe=recipe,
            inputs=asked.inputs,
            outputs=files_of(work, step.files),
            counts=own["counts"] | counts,
            seconds=seconds,
        )
        remake.finish(folder, name, work)
        for parent in {part.parent for part in made}:
            remove_tree(parent)
    say(f"in {seconds:.0f} s: {folder}", mark="done", style="green")


def require(run: Run, steps: Sequence[Step]) -> None:
    """Refuses to build on a step that is unfinished, or was made from something else.

    What is outside the run folder (labels, pictures, weights) may be gone by then.
    """
    for step in steps:
        lines = changes(run, step, dict.fromkeys(step.external_inputs))
        lines += altered(run, step)
        hint = f"Run: {command('train', f'{step.name} --config ...')}"
        if lines == [manifest.NOT_FINISHED]:
            raise ValueError(f"Step {step.name!r} is not finished. {hint}")
        if lines:
            raise ValueError(f"Step {step.name!r} does not fit: {'; '.join(lines)}. {hint}")


def changes(run: Run, step: Step, external: Mapping[str, str | None]) -> list[str]:
    """Returns a line for each way in which a step's result is not what the run asks for.

    Args:
        run: The whole configuration.
        step: One of `steps_of(run)`, the steps before it finished.
        external: Name -> digest of each of its `external_inputs`; None if it is not compared.

    Raises:
        ValueError: the step's manifest, or what an earlier step left, is damaged.
        FileNotFoundError: what an earlier step should have left is not there.
    """
    found = manifest.read(run.run_dir / step.name)
    if found is None:
        return [manifest.NOT_FINISHED]
    before = found["inputs"]
    compared = {name: digest or before.get(name, "?") for name, digest in external.items()}
    inputs = step.inputs() | compared
    return manifest.changes(found, recipe=as_json(step.recipe()), inputs=inputs, step=step.name)


def altered(run: Run, step: Step) -> list[str]:
    """Returns a line for each file of a step's result that is gone or is another one now."""
    folder = run.run_dir / step.name
    return manifest.altered(folder, manifest.read(folder) or {"outputs": {}})


def as_json(recipe: dict[str, Any] | StepRecipe) -> dict[str, Any]:
    """Returns a step's recipe as its manifest holds it."""
    return recipe if isinstance(recipe, dict) else recipe.as_json()
