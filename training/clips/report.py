"""The step `report` of a run on clips: answers for held-out clips are judged.

A clip's answer is the mean over its windows. Of people whom training never saw, the network's
vectors are compared: who in the gallery is it?

    report/metrics.json, report.md, per_class.csv, confusion.png, curves.png, predictions.parquet
    report/retrieval.json   of people never seen: rank-1, rank-5, mean average precision

Of people never seen, the first line's figures are those of a linear support vector machine that
learned from the gallery's vectors (without a gallery: from other scenes than the probe's own).
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.readers.feature_table import read_features
from pose_activity.artifacts import manifest
from pose_activity.artifacts.atomic import write_json
from pose_activity.cache.record import Entry
from pose_activity.cache.store import open_cache
from pose_activity.configs.clips import ClipRun
from pose_activity.learning.history import History, early_end
from pose_activity.stage2_classifier import predict_sequences
from pose_activity.stage2_classifier.scores import report, retrieval
from pose_activity.stage2_classifier.scores.evaluate import Report, evaluate
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.stage2_classifier.vectors import linear
from pose_activity.training.clips import steps
from pose_activity.training.clips.embeddings import classify, embed, rows_of_clips
from pose_activity.training.clips.unseen_identities import look_up
from pose_activity.training.console import say, say_rows
from pose_activity.training.steps import Counts

RETRIEVAL = "retrieval.json"


def make_report(run: ClipRun, folder: Path) -> Counts:
    """Judges the held-out clips; writes scores, answers and pictures."""
    (folder / RETRIEVAL).unlink(missing_ok=True)  # of an earlier configuration
    facts: dict[str, str] = {}
    if run.has_features:
        answers = _answers_of_features(run)
    elif run.open_set:
        answers, found = look_up(run)
        write_json(folder / RETRIEVAL, _figures(found))
        facts = {name: f"{value:.4f}" for name, value in _figures(found).items()}
        facts["figures above the rank are of"] = "a linear SVM on vectors of people never seen"
    else:
        answers = _answers(run, run.report.split)
    judged = _score(answers)
    report.write(
        judged,
        _history(run),
        folder,
        title=f"Clips: {run.run_dir.name}",
        facts=facts | _facts(run),
        unit="vectors" if run.has_features else "clips",
    )
    answers.write(folder / "predictions.parquet")
    return {"split": judged.split, "accuracy": judged.accuracy}


def say_scores(run: ClipRun) -> None:
    """Prints the headline figures and where the report lies."""
    folder = run.run_dir / "report"
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    names = ("accuracy", "top3_accuracy", "weighted_precision", "weighted_recall", "macro_f1")
    figures = {name: metrics[name] for name in names}
    if (folder / RETRIEVAL).exists():
        figures |= json.loads((folder / RETRIEVAL).read_text(encoding="utf-8"))
    rows = [{"figure": n, metrics["split"]: f"{value:.4f}"} for n, value in figures.items()]
    say_rows(f"{run.run_dir.name}: {metrics['n']} clips", rows)
    say(f"report: {folder / 'report.md'}")


def _answers(run: ClipRun, split: str) -> Predictions:
    """Answers for each clip of a split: the mean over its windows."""
    cache = open_cache(run.run_dir / "cache")
    folder = run.run_dir / "stage2"
    classifier = predict_sequences.load(folder, threads=run.threads)
    head = linear.load(folder) if run.stage2.linear else None
    entries = cache.of_split(split)
    if head:
        shares = head(embed(classifier, cache, entries, f"classifying {split}"))
        return _by_clip(entries, shares, head.classes, split, predict_sequences.of_clip)
    shares = classify(classifier, cache, entries, f"classifying {split}")
    return _by_clip(entries, shares, cache.classes, split, classifier.of_clip)


def _by_clip(
    entries: Sequence[Entry],
    shares: np.ndarray,
    classes: tuple[str, ...],
    split: str,
    together: Callable[[np.ndarray], np.ndarray],
) -> Predictions:
    """Returns an answer for each clip: what its windows say `together`."""
    rows = rows_of_clips(entries)
    labels = [str(entries[of_clip[0]].target) for of_clip in rows.values()]
    return Predictions(
        split=split,
        classes=classes,
        images=tuple(rows),
        persons=np.full(len(rows), -1),
        labels=np.array([classes.index(label) for label in labels], int),
        probabilities=np.stack([together(shares[of_clip]) for of_clip in rows.values()]),
    )


def _answers_of_features(run: ClipRun) -> Predictions:
    table = read_features(run.run_dir / "annotations" / steps.FEATURES)
    classifier = linear.load(run.run_dir / "stage2")
    rows = [i for i, split in enumerate(table.splits or ()) if split == run.report.split]
    names = table.names or tuple(f"{i:06d}" for i in range(len(table.labels)))
    return Predictions(
        split=run.report.split,
        classes=classifier.classes,
        images=tuple(Path(names[i]) for i in rows),
        persons=np.full(len(rows), -1),
        labels=classifier.ids([table.labels[i] for i in rows]),
        probabilities=classifier(table.vectors[rows]),
    )


def _figures(found: retrieval.Retrieval) -> dict[str, float]:
    """Returns the figures by the names that `compare` looks for."""
    return {"rank1": found.rank1, "rank5": found.rank5, "mean_average_precision": found.mean_ap}


def _score(answers: Predictions) -> Report:
    return evaluate(
        answers.probabilities, answers.labels, classes=answers.classes, split=answers.split
    )


def left_out(run: ClipRun) -> int:
    """Returns how many clips of the judged split became no sequence, and so count nowhere."""
    if run.has_features:
        return 0
    asked = read_clips(run.run_dir / "annotations" / steps.CLIPS)
    names = {clip.name for clip in asked if clip.split == run.report.split}
    entries = open_cache(run.run_dir / "cache").of_split(run.report.split)
    return len(names - {entry.source.as_posix() for entry in entries})


def comparison(run: ClipRun) -> dict[str, Any]:
    """Returns what `train.py compare` shows of a finished run beside its figures."""
    videos = str(run.stage1.graph or run.stage1.weights)
    path = run.run_dir / "report" / RETRIEVAL
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return figures | {
        "model": run.classifier_name,
        "poses": videos if run.has_videos else f"{run.clips.format}: {run.clips.path.name}",
        "left_out": left_out(run),
    }


def _history(run: ClipRun) -> History:
    """Returns what the network went through; nothing where it was not trained here."""
    if run.has_features or run.stage2.encoder:
        return History()
    return History.read(run.run_dir / "stage2" / "history.csv", checkpoint=run.stage2.checkpoint)


def _facts(run: ClipRun) -> dict[str, str]:
    """Returns rows for the report's first table: the model, and what each step took."""
    facts = {"classifier": run.classifier_name}
    if missing := left_out(run):
        facts["clips of this split left out, see cache/left_out.csv"] = str(missing)
    facts |= early_end(run.run_dir / "stage2")
    for step in steps.step_names(run)[:-1]:
        found = manifest.read(run.run_dir / step)
        facts[f"minutes for {step}"] = f"{found['seconds'] / 60:.1f}" if found else "?"
    return facts
