"""The step `report`: the exported classifier is judged on held-out pictures."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.artifacts import manifest
from pose_activity.artifacts.atomic import write_json
from pose_activity.cache.store import Cache, open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.learning.history import History, early_end
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier import calibrate, predict
from pose_activity.stage2_classifier.scores import report
from pose_activity.stage2_classifier.scores.evaluate import Report, evaluate
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.console import console, say, say_notes, say_rows
from pose_activity.training.pictures import roles
from pose_activity.training.pictures.steps import step_names
from pose_activity.training.report_page.page import write_page
from pose_activity.training.report_page.poses import score_rows
from pose_activity.training.steps import Counts


def make_report(run: PictureRun, folder: Path) -> Counts:
    """Classifies the held-out pictures with the exported graph; writes scores, answers, page."""
    (folder / "metrics_val.json").unlink(missing_ok=True)  # of an earlier classifier
    cache = open_cache(run.run_dir / "cache")
    classifier = predict.load(run.run_dir / "stage2", threads=run.threads)
    answers = classify(classifier, cache, run.report.split)
    headline, chosen_on, facts = score(answers, classifier.temperature), None, {}
    if run.report.split == "test":
        chosen_on = score(classify(classifier, cache, "val"), classifier.temperature)
        write_json(folder / "metrics_val.json", chosen_on.as_json())
        facts["accuracy on val (choices were made there)"] = f"{chosen_on.accuracy:.4f}"
    report.write(
        headline,
        History.read(run.run_dir / "stage2" / "history.csv"),
        folder,
        title=f"Activity classifier: {run.run_dir.name}",
        facts=facts | _facts(run),
        unit="people" if answers.of_people else "images",
    )
    answers.write(folder / "predictions.parquet")
    page = folder / "report.html"
    write_page(page, run, cache, answers=answers, report=headline, chosen_on=chosen_on)
    return {"split": headline.split, "accuracy": headline.accuracy}


def classify(classifier: predict.Classifier, cache: Cache, split: str) -> Predictions:
    """Classifies one split of a cache."""
    entries = cache.of_split(split)
    rows = []
    with progress_bar(f"classifying {split}", console) as show:
        for done, entry in enumerate(entries, 1):
            rows.append(classifier(cache.load(entry, verify=True).x[None])[0])
            show(done, len(entries), entry.source.name)
    return Predictions(
        split=split,
        classes=cache.classes,
        images=tuple(entry.source for entry in entries),
        persons=np.array([entry.person for entry in entries]),
        labels=np.array([cache.class_id(entry) for entry in entries]),
        probabilities=np.stack(rows),
    )


def score(answers: Predictions, temperature: float) -> Report:
    """Compares the answers, calibrated by `temperature`, with the labels."""
    report = evaluate(
        answers.probabilities, answers.labels, classes=answers.classes, split=answers.split
    )
    uncalibrated = calibrate.apply(answers.probabilities, 1 / temperature)  # its inverse
    return replace(report, ece_uncalibrated=calibrate.expected_error(uncalibrated, answers.labels))


def _facts(run: PictureRun) -> dict[str, str]:
    """Returns rows for the report's first table: stage 1's figures and what each step took."""
    facts = {"classifier": f"{run.classifier.model}, planes {' + '.join(run.cache.planes)}"}
    facts |= {f"stage 1 {text}": f"{value:.4f}" for text, value in _pose_scores(run).items()}
    seen = roles.seen_note(run, run.report.split)
    facts |= {"pictures that stage 1 knows": seen} if seen else {}
    facts |= early_end(run.run_dir / "stage2")
    for step in step_names(run)[:-1]:
        found = manifest.read(run.run_dir / step)
        facts[f"minutes for {step}"] = f"{found['seconds'] / 60:.1f}" if found else "?"
    return facts


def _pose_scores(run: PictureRun) -> dict[str, float]:
    """Returns stage 1's figures by their names for people; none where it was not measured."""
    path = run.run_dir / "stage1" / "metrics.json"
    if "stage1" not in step_names(run) or not path.exists():
        return {}
    metrics = json.loads(path.read_text(encoding="utf-8"))
    return {f"{text} ({metrics.get('split')})": value for text, value in score_rows(metrics)}


def say_scores(run: PictureRun) -> None:
    """Prints the headline figures and where the report lies."""
    folder = run.run_dir / "report"
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    names = ("accuracy", "top3_accuracy", "weighted_precision", "weighted_recall", "macro_f1")
    rows = [{"figure": name, metrics["split"]: f"{metrics[name]:.4f}"} for name in names]
    for text, value in _pose_scores(run).items():
        rows.append({"figure": f"stage 1 {text}", metrics["split"]: f"{value:.4f}"})
    counted = "people" if run.cache.people == "each" else "pictures"
    say_rows(f"{run.run_dir.name}: {metrics['n']} {counted}", rows)
    seen = roles.seen_note(run, metrics["split"])
    say_notes([seen] if seen else [])
    say(f"report: {folder / 'report.html'}")


def comparison(run: PictureRun) -> dict[str, Any]:
    """Returns what `train.py compare` shows of a finished run beside its figures."""
    poses = run.stage1.weights if run.cache.needs_poses else "none"
    return {"model": run.classifier.model, "poses": poses}
