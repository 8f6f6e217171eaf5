"""The step `stage2`: the classifier is trained and exported, in one of three ways."""

from pathlib import Path

from pose_activity.configs.pictures import PictureRun
from pose_activity.training.pictures.fine_tune import fine_tune
from pose_activity.training.pictures.fit_linear import fit_linear
from pose_activity.training.pictures.fit_network import fit_network
from pose_activity.training.steps import Counts


def make_stage2(run: PictureRun, folder: Path, *, finish: bool = False) -> Counts:
    """Trains the classifier, or ends its training with the epochs there are; exports it."""
    section = run.classifier
    if section.linear and section.fine_tune:
        return fine_tune(run, folder, finish=finish)
    if not section.linear:
        return fit_network(run, folder, finish=finish)
    if finish:
        raise ValueError("Only the training of a network has epochs to keep. This run trains none.")
    return fit_linear(run, folder)
