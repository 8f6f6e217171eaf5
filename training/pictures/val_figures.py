"""How well a run's classifier does on the val split: for choices, never for headlines."""

import numpy as np

from pose_activity.cache.store import open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.stage2_classifier import predict
from pose_activity.stage2_classifier.scores.choice import figures_of
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.pictures.files import HELD_OUT
from pose_activity.training.pictures.judge import classify


def figures(run: PictureRun) -> dict[str, float]:
    """Judges the answers on val."""
    return figures_of(_answers(run))


def _answers(run: PictureRun) -> Predictions:
    """Returns the answers that a head on frozen features left; classifies val for a network."""
    cache, folder = open_cache(run.run_dir / "cache"), run.run_dir / "stage2"
    if not (run.classifier.linear and (folder / HELD_OUT).is_file()):  # a network was kept
        return classify(predict.load(folder, threads=run.threads), cache, "val")
    found = Predictions.read(folder / HELD_OUT)
    val = {(entry.source, entry.person) for entry in cache.of_split("val")}
    rows = [
        i
        for i, key in enumerate(zip(found.images, found.persons.tolist(), strict=True))
        if key in val
    ]
    return Predictions(
        split="val",
        classes=found.classes,
        images=tuple(found.images[i] for i in rows),
        persons=found.persons[rows],
        labels=found.labels[rows],
        probabilities=found.probabilities[np.array(rows, int)],
    )
