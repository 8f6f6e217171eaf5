"""What a run's classifier says of held-out pictures, for the report: asked here, or kept by shards.

A linear head's answers follow from features, which shards compute; a network's are asked for.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from pose_activity.artifacts.shards import Shard
from pose_activity.cache.store import open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.stage2_classifier import predict
from pose_activity.stage2_classifier.frozen.answers import FeatureAnswers
from pose_activity.stage2_classifier.scores import input_worth
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training import questions
from pose_activity.training.pictures.files import HELD_OUT
from pose_activity.training.pictures.judge import (
    classify,
    classifying,
    measure_inputs,
    with_groups,
    without_inputs,
)
from pose_activity.training.pictures.judge_features import answers_of, is_head, keep_features

OF_SPLIT, OF_VAL, WITHOUT = "answers", "answers_val", "answers_without"


class Answers:
    """The answers that a report is made of.

    Attributes:
        cache: The run's.
        classifier: That of the run.
    """

    def __init__(self, run: PictureRun, parts: Sequence[Path] = ()) -> None:
        """Loads the classifier.

        Args:
            run: Every step but the report is finished.
            parts: Folders of `keep` of all shards, in order; none: what is needed is asked here.
        """
        self.cache = open_cache(run.run_dir / "cache")
        self.classifier = predict.load(run.run_dir / "stage2", threads=run.threads)
        self._run, self._parts = run, parts
        asked = self.classifier, self.cache
        self._questions = {}
        if not is_head(run):
            self._questions[OF_SPLIT] = classifying(*asked, run.report.split)
            self._questions[WITHOUT] = without_inputs(run, *asked, run.report.split)
        if run.report.split == "test" and not (run.run_dir / "stage2" / HELD_OUT).exists():
            self._questions[OF_VAL] = classifying(*asked, "val")

    def keep(self, folder: Path, shard: Shard) -> None:
        """Leaves a shard's share of the answers in a folder."""
        if is_head(self._run):
            keep_features(self._run, self.cache, self._run.report.split, folder, shard)
        questions.keep(self._questions, shard, folder)

    def predictions(self) -> Predictions:
        """Returns those of the reported split, with their groups."""
        known = self._features.probabilities() if self._features else self._rows(OF_SPLIT)
        split = self._run.report.split
        return with_groups(classify(self.classifier, self.cache, split, known), self._run)

    def on_val(self) -> Predictions:
        """Returns those of val; not where folds tell."""
        return classify(self.classifier, self.cache, "val", self._rows(OF_VAL))

    def inputs(self, predictions: Predictions) -> dict | None:
        """Returns what each input is worth to `predictions`; see `Report.inputs`."""
        return measure_inputs(self._run, self.cache, predictions, self._without)

    @cached_property
    def _features(self) -> FeatureAnswers | None:
        split = self._run.report.split
        return answers_of(self._run, self.classifier, self.cache, split, self._parts)

    def _without(self, rows: np.ndarray) -> input_worth.Without:
        if self._features:
            return self._features.take(rows).without
        in_order = iter(self._rows(WITHOUT).reshape(-1, len(rows)))
        return lambda part, partner: next(in_order)  # in the order of `input_worth.changes`

    def _rows(self, name: str) -> np.ndarray:
        return questions.answers(name, self._questions[name], self._parts)
