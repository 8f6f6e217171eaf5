"""What a run's classifier says of the val split: for choices, never for headlines."""

from pose_activity.configs.clips import ClipRun
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.clips.report import of_clips, of_features


def answers(run: ClipRun) -> Predictions:
    """Classifies the clips, or the vectors, of val."""
    return of_features(run, "val") if run.has_features else of_clips(run, "val")
