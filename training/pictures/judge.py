"""A run's classifier on the pictures that it did not learn from: answers, scores, inputs' worth."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pose_activity.annotations.sample_files import read_samples
from pose_activity.cache.record import Entry, Input, stack
from pose_activity.cache.store import Cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier import predict
from pose_activity.stage2_classifier.scores import input_worth
from pose_activity.stage2_classifier.scores.evaluate import (
    Report,
    evaluate,
    with_intervals,
    with_unknown,
)
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training import questions
from pose_activity.training.pictures.steps import SAMPLES
from pose_activity.training.questions import Question

_FEWEST = 2  # pictures, of which one can have what the other has


def classify(
    classifier: predict.Classifier,
    cache: Cache,
    split: str,
    probabilities: np.ndarray | None = None,
) -> Predictions:
    """Classifies one split of a cache, unless its `(N, classes)` probabilities are known."""
    entries = cache.of_split(split)
    if probabilities is None:
        probabilities = questions.answers(split, classifying(classifier, cache, split))
    return Predictions(
        split=split,
        classes=cache.classes,
        images=tuple(entry.source for entry in entries),
        persons=np.array([entry.person for entry in entries]),
        labels=np.array([cache.class_id(entry) for entry in entries]),
        probabilities=probabilities,
    )


def classifying(classifier: predict.Classifier, cache: Cache, split: str) -> Question:
    """Returns the question whose answers are the probabilities `(N, classes)` of one split."""

    def answer(entry: Entry) -> np.ndarray:
        return classifier(stack([cache.load(entry, verify=True).x]))

    return Question(f"classifying {split}", cache.of_split(split), answer)


def without_inputs(
    run: PictureRun, classifier: predict.Classifier, cache: Cache, split: str
) -> Question:
    """Returns the question whose answers are `(N,)` class ids without each input.

    Of some pictures, see `measured`, as often as `input_worth.changes` says; none where there is
    nothing to take away.
    """
    entries, parts = cache.of_split(split), input_worth.parts_of(cache.recipe)
    rows = measured(run, len(entries))
    asked = input_worth.changes(parts, len(rows), run.seed) if len(rows) else []
    items = [(part, partner, i) for part, partner in asked for i in range(len(rows))]

    def load(i: int) -> Input:
        return cache.load(entries[rows[i]]).x

    def answer(item: tuple[input_worth.Part, np.ndarray | None, int]) -> np.ndarray:
        return np.array([input_worth.class_without(classifier, load, *item)])

    return Question("classifying without each input", items, answer)


def measured(run: PictureRun, count: int) -> np.ndarray:
    """Returns the numbers of the pictures, of so many, on which inputs' worth is measured."""
    drawn = np.random.default_rng(run.seed).permutation(count)[: run.report.input_images]
    return np.sort(drawn) if len(drawn) >= _FEWEST else drawn[:0]


def measure_inputs(
    run: PictureRun,
    cache: Cache,
    predictions: Predictions,
    without: Callable[[np.ndarray], input_worth.Without],
) -> dict[str, Any] | None:
    """Measures on some of the pictures what each input is worth; see `Report.inputs`.

    Args:
        run: The whole configuration.
        cache: The run's.
        predictions: Of one split.
        without: Returns, for the numbers of some pictures, their answers without an input.
    """
    parts, of = input_worth.parts_of(cache.recipe), len(predictions.images)
    rows = measured(run, of)
    if not parts or not len(rows):
        return None
    found = input_worth.measure(
        without(rows),
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
