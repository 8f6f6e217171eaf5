"""What each step of a run is made from, for each kind of run."""

from collections.abc import Callable
from typing import Any, Protocol

from pose_activity.configs.loading import AnyRun
from pose_activity.configs.pictures import PictureRun
from pose_activity.stage1_pose.export import download
from pose_activity.stage1_pose.weights import Download
from pose_activity.training.clips.steps import ClipPlan
from pose_activity.training.pictures.steps import PicturePlan


class Plan(Protocol):
    """What one configuration makes of the steps."""

    def steps(self) -> list[str]:
        """Returns the steps that the run needs, in order."""
        ...

    def recipe(self, step: str) -> dict[str, Any]:
        """Returns everything in the configuration that decides the result of a step, as JSON."""
        ...

    def sources(self, step: str, *, download: Download | None) -> dict[str, Callable[[], str]]:
        """Returns, by name, how to take the digest of each thing read outside the run.

        Taking one raises OSError where the thing is gone. Without `download` none is attempted,
        and nothing is written.
        """
        ...

    def inner_inputs(self, step: str) -> dict[str, str]:
        """Returns the digests of what a step reads inside the run folder."""
        ...

    def lost_files(self, step: str) -> list[str]:
        """Returns a line for each file of a finished step that is gone and is made again alone."""
        ...


def plan_of(run: AnyRun) -> Plan:
    """Returns the plan of a configuration."""
    return PicturePlan(run) if isinstance(run, PictureRun) else ClipPlan(run)


def steps_of(run: AnyRun) -> list[str]:
    """Returns the steps that a run needs."""
    return plan_of(run).steps()


def recipe_of(run: AnyRun, step: str) -> dict[str, Any]:
    """Returns everything in the configuration that decides the result of a step, as JSON."""
    return plan_of(run).recipe(step)


def sources_of(
    run: AnyRun, step: str, *, download: Download | None = download
) -> dict[str, Callable[[], str]]:
    """Returns how to take the digest of each thing that a step reads outside the run."""
    return plan_of(run).sources(step, download=download)


def inputs_of(run: AnyRun, step: str) -> dict[str, str]:
    """Returns the digests of everything that a step reads."""
    outer = {name: digest() for name, digest in sources_of(run, step).items()}
    return plan_of(run).inner_inputs(step) | outer
