"""A run's classifier on the pictures that it did not learn from: answers, scores, inputs' worth."""

from dataclasses import replace
from typing import Any

import numpy as np

from pose_activity.annotations.sample_files import read_samples
from pose_activity.cache.record import stack
from pose_activity.cache.store import Cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.runtime import calibrate
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier import predict
from pose_activity.stage2_classifier.frozen.answers import FeatureAnswers
from pose_activity.stage2_classifier.scores import input_worth
from pose_activity.stage2_classifier.scores.evaluate import (
    Report,
    evaluate,
    with_intervals,
    with_unknown,
)
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.console import console
from pose_activity.training.pictures.steps import SAMPLES

_FEWEST = 2  # pictures, of which one can have what the other has


def classify(
    classifier: predict.Classifier,
    cache: Cache,
    split: str,
    known: FeatureAnswers | None = None,
) -> Predictions:
    """Classifies one split of a cache, unless its answers are known."""
    entries = cache.of_split(split)
    probabilities = known.probabilities() if known else _classify(classifier, cache, split)
    return Predictions(
        split=split,
        classes=cache.classes,
        images=tuple(entry.source for entry in entries),
        persons=np.array([entry.person for entry in entries]),
        labels=np.array([cache.class_id(entry) for entry in entries]),
        probabilities=probabilities,
    )


def _classify(classifier: predict.Classifier, cache: Cache, split: str) -> np.ndarray:
    """Returns `(N, classes)` probabilities of the graph."""
    entries, rows = cache.of_split(split), []
    with progress_bar(f"classifying {split}", console) as show:
        for done, entry in enumerate(entries, 1):
            rows.append(classifier(stack([cache.load(entry, verify=True).x]))[0])
            show(done, len(entries), entry.source.name)
    return np.stack(rows)


def measure_inputs(
    run: PictureRun,
    classifier: predict.Classifier,
    cache: Cache,
    predictions: Predictions,
    known: FeatureAnswers | None = None,
) -> dict[str, Any] | None:
    """Measures on some of the pictures what each input is worth; see `Report.inputs`.

    Args:
        run: The whole configuration.
        classifier: That of the run, which classifies them again.
        cache: The run's.
        predictions: Of one split.
        known: The answers to that split from kept features, which tell without classifying.
    """
    parts, of = input_worth.parts_of(cache.recipe), len(predictions.images)
    drawn = np.random.default_rng(run.seed).permutation(of)[: run.report.input_images]
    if not parts or len(drawn) < _FEWEST:
        return None
    rows, entries = np.sort(drawn), cache.of_split(predictions.split)
    with progress_bar("classifying without each input", console) as show:
        if known:
            without = known.take(rows).without
        else:
            without = input_worth.by_classifying(
                classifier, lambda i: cache.load(entries[rows[i]]).x, len(rows), show
            )
        found = input_worth.measure(
            without,
            answers=predictions.guesses[rows],
            labels=predictions.labels[rows],
            clusters=predictions.clusters[rows],
            parts=parts,
            seed=run.seed,
        )
    return {"n": len(rows), "of": of, "rows": [row.as_json() for row in found]}


def with_groups(predictions: Predictions, run: PictureRun) -> Predictions:
    """Returns the predictions with the scene of each picture, as the labels name it."""
    samples = read_samples(run.run_dir / SAMPLES)
    group_of = {sample.image: sample.group for sample in samples}
    groups = (group_of.get(image) or image.as_posix() for image in predictions.images)
    return replace(predictions, groups=tuple(groups))


def score(
    predictions: Predictions, temperature: float, unknown_below: float | None = None
) -> Report:
    """Compares the predictions, calibrated by `temperature`, with the labels."""
    answers = predictions.probabilities, predictions.labels
    found = evaluate(*answers, classes=predictions.classes, split=predictions.split)
    found = with_intervals(found, *answers, clusters=predictions.clusters)
    found = with_unknown(found, *answers, below=unknown_below)
    uncalibrated = calibrate.apply(predictions.probabilities, 1 / temperature)  # its inverse
    return replace(
        found, ece_uncalibrated=calibrate.expected_error(uncalibrated, predictions.labels)
    )
