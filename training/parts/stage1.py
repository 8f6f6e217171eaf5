"""The step `stage1` of a run on body parts: the pose model, used as it is."""

from pathlib import Path

from pose_activity.annotations.skeleton import SKELETONS
from pose_activity.configs.parts import PartsRun
from pose_activity.stage1_pose import kept_graph
from pose_activity.training.parts import steps
from pose_activity.training.pose_weights import find_weights
from pose_activity.training.steps import Counts

PARITY_IMAGES = 4  # on which an exported graph is compared with its model


def make_stage1(run: PartsRun, folder: Path) -> Counts:
    """Takes the pose graph of another run, or exports weights."""
    section = run.pose_model
    if section.graph:
        kept_graph.copy(section.graph, folder)
        return {}
    from pose_activity.stage1_pose.export import export

    images = [sample.image for sample in steps.samples_of(run) if sample.frame is None]
    export(
        find_weights(section.weights),
        folder,
        size=section.export_size,
        skeleton=SKELETONS[section.skeleton],
        images=images[:PARITY_IMAGES],
        threads=run.threads,
    )
    return {}
