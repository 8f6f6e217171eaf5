"""The step `report`: the exported classifier is judged on held-out pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from artifacts import manifest
from artifacts.atomic import write_json
from cache.store import open_cache
from configs import schema
from inference.progress import progress_bar
from stage2_classifier import predict, report
from stage2_classifier.evaluate import evaluate
from stage2_classifier.history import History
from training.say import console, say_rows
from training.steps import Made, steps_of


def make_report(run: schema.Run, folder: Path) -> Made:
    """Classifies the held-out pictures with the exported graph and writes the scores."""
    cache = open_cache(run.run_dir / "cache")
    classifier = predict.load(run.run_dir / "stage2", threads=run.threads)
    headline = judge(classifier, cache, run.report.split)
    facts = {}
    if run.report.split == "test":
        chosen_on = judge(classifier, cache, "val")
        write_json(folder / "metrics_val.json", chosen_on.as_json())
        facts["accuracy on val (choices were made there)"] = f"{chosen_on.accuracy:.4f}"
    report.write(
        headline,
        History.read(run.run_dir / "stage2" / "history.csv"),
        folder,
        title=f"Activity classifier: {run.run_dir.name}",
        facts=facts | _facts(run),
    )
    return [folder / "metrics.json"], {"split": headline.split, "accuracy": headline.accuracy}


def judge(classifier: Any, cache: Any, split: str) -> Any:
    """Classifies one split of a cache; returns its `Report`."""
    entries = cache.of_split(split)
    rows = []
    with progress_bar(f"classifying {split}", console) as show:
        for done, entry in enumerate(entries, 1):
            rows.append(classifier(cache.load(entry, verify=True)[None])[0])
            show(done, len(entries), entry.image.name)
    labels = np.array([cache.class_id(entry) for entry in entries])
    return evaluate(np.stack(rows), labels, classes=cache.classes, split=split)


def _facts(run: schema.Run) -> dict[str, str]:
    """Returns rows for the report's first table: stage 1's figures and what each step took."""
    facts = {"classifier": f"{run.stage2.model}, planes {' + '.join(run.cache.planes)}"}
    facts |= {f"stage 1 {text}": f"{value:.4f}" for text, value in _pose_scores(run).items()}
    for step in steps_of(run)[:-1]:
        found = manifest.read(run.run_dir / step)
        facts[f"minutes for {step}"] = f"{found['seconds'] / 60:.1f}" if found else "?"
    return facts


def _pose_scores(run: schema.Run) -> dict[str, float]:
    """Returns stage 1's figures by their names for people; none where it was not measured."""
    path = run.run_dir / "stage1" / "metrics.json"
    if "stage1" not in steps_of(run) or not path.exists():
        return {}
    values = json.loads(path.read_text())
    names = {"pose_map50": "pose mAP50", "box_map50": "box mAP50", "pckh50": "PCKh@0.5"}
    names["start_pckh50"] = "PCKh@0.5 before training"
    return {text: values[key] for key, text in names.items() if values.get(key) is not None}


def say_scores(run: schema.Run) -> None:
    """Prints the headline figures and where the report lies."""
    folder = run.run_dir / "report"
    metrics = json.loads((folder / "metrics.json").read_text())
    names = ("accuracy", "top3_accuracy", "weighted_precision", "weighted_recall", "macro_f1")
    rows = [{"figure": name, metrics["split"]: f"{metrics[name]:.4f}"} for name in names]
    for text, value in _pose_scores(run).items():
        rows.append({"figure": f"stage 1 {text}", metrics["split"]: f"{value:.4f}"})
    say_rows(f"{run.run_dir.name}: {metrics['n']} pictures", rows)
    console.print(f"report: {folder / 'report.md'}", highlight=False, soft_wrap=True)
