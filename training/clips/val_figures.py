"""How well a run's classifier does on the val split: for choices, never for headlines."""

from pose_activity.configs.clips import ClipRun
from pose_activity.stage2_classifier.scores.choice import figures_of
from pose_activity.training.clips.report import of_clips, of_features


def figures(run: ClipRun) -> dict[str, float]:
    """Classifies the clips, or the vectors, of val."""
    return figures_of(of_features(run, "val") if run.has_features else of_clips(run, "val"))
