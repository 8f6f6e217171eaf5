"""The step `report` of a run on clips: answers for held-out clips are judged.

A clip's answer is the mean over its windows. Of people whom training never saw, the network's
vectors are compared: who in the gallery is it?

    report/metrics.json, report.md, per_class.csv, confusion.png, curves.png, predictions.parquet
    report/retrieval.json   of people never seen: rank-1, rank-5, mean average precision

Of people never seen, the first line's figures are those of a linear support vector machine that
learned from the gallery's vectors (without a gallery: from all scenes but the probe's own).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotations.clip_files import read_clips
from annotations.clips import Clip
from annotations.feature_table import read_features
from annotations.name_patterns import compile_named
from artifacts import manifest
from artifacts.atomic import write_json
from cache.entry import Entry
from cache.origins import CLIPS
from cache.store import Cache, open_cache
from configs import motion
from stage2_classifier import fit_linear, linear, predict_sequences, report, retrieval
from stage2_classifier.answers import Answers
from stage2_classifier.evaluate import Report, evaluate
from stage2_classifier.history import History
from training import clip_plan
from training.plan import steps_of
from training.say import console, say_rows
from training.steps import Made
from training.vectors import classify, embed

RETRIEVAL = "retrieval.json"
_FOLDS = 5  # over scenes, where there is no gallery


def make_report(run: motion.ClipRun, folder: Path) -> Made:
    """Judges the held-out clips; writes scores, answers and pictures."""
    (folder / RETRIEVAL).unlink(missing_ok=True)  # of an earlier configuration
    facts: dict[str, str] = {}
    if run.has_features:
        answers = _answers_of_features(run)
    elif run.unseen:
        answers, found = _look_up(run)
        write_json(folder / RETRIEVAL, _figures(found))
        facts = {name: f"{value:.4f}" for name, value in _figures(found).items()}
    else:
        answers = _answers(run, run.report.split)
    judged = _score(answers)
    report.write(
        judged,
        History.read(run.run_dir / "stage2" / "history.csv", keep=run.stage2.keep),
        folder,
        title=f"Clips: {run.run_dir.name}",
        facts=facts | _facts(run),
        unit="vectors" if run.has_features else "clips",
    )
    answers.write(folder / "predictions.parquet")
    outputs = [folder / "metrics.json", folder / "predictions.parquet"]
    return outputs, {"split": judged.split, "accuracy": judged.accuracy}


def say_clip_scores(run: motion.ClipRun) -> None:
    """Prints the headline figures and where the report lies."""
    folder = run.run_dir / "report"
    metrics = json.loads((folder / "metrics.json").read_text())
    names = ("accuracy", "top3_accuracy", "weighted_precision", "weighted_recall", "macro_f1")
    figures = {name: metrics[name] for name in names}
    if (folder / RETRIEVAL).exists():
        figures |= json.loads((folder / RETRIEVAL).read_text())
    rows = [{"figure": n, metrics["split"]: f"{value:.4f}"} for n, value in figures.items()]
    say_rows(f"{run.run_dir.name}: {metrics['n']} clips", rows)
    console.print(f"report: {folder / 'report.md'}", highlight=False, soft_wrap=True)


def _answers(run: motion.ClipRun, split: str) -> Answers:
    """Answers for each clip of a split: the mean over its windows."""
    cache = open_cache(run.run_dir / "cache")
    folder = run.run_dir / "stage2"
    classifier = predict_sequences.load(folder, threads=run.threads)
    head = linear.load(folder) if run.stage2.linear else None
    entries = cache.of_split(split)
    if head:
        shares = head(embed(classifier, cache, entries, f"classifying {split}"))
    else:
        shares = classify(classifier, cache, entries, f"classifying {split}")
    return _by_clip(entries, shares, head.classes if head else cache.classes, split)


def _by_clip(
    entries: Sequence[Entry], shares: np.ndarray, classes: tuple[str, ...], split: str
) -> Answers:
    rows: dict[Path, list[int]] = {}
    for row, entry in enumerate(entries):
        rows.setdefault(entry.image, []).append(row)
    labels = [entries[of_clip[0]].label for of_clip in rows.values()]
    return Answers(
        split=split,
        classes=classes,
        images=tuple(rows),
        persons=np.full(len(rows), -1),
        labels=np.array([classes.index(label) for label in labels], int),
        probabilities=np.stack(
            [predict_sequences.of_clip(shares[of_clip]) for of_clip in rows.values()]
        ),
    )


def _answers_of_features(run: motion.ClipRun) -> Answers:
    table = read_features(run.run_dir / "annotations" / clip_plan.FEATURES)
    classifier = linear.load(run.run_dir / "stage2")
    rows = [i for i, split in enumerate(table.splits or ()) if split == run.report.split]
    names = table.names or tuple(f"{i:06d}" for i in range(len(table.labels)))
    return Answers(
        split=run.report.split,
        classes=classifier.classes,
        images=tuple(Path(names[i]) for i in rows),
        persons=np.full(len(rows), -1),
        labels=classifier.ids([table.labels[i] for i in rows]),
        probabilities=classifier(table.vectors[rows]),
    )


def _look_up(run: motion.ClipRun) -> tuple[Answers, retrieval.Retrieval]:
    """Compares the vectors of people never seen: who of the gallery is each probe?"""
    cache = open_cache(run.run_dir / "cache")
    classifier = predict_sequences.load(run.run_dir / "stage2", threads=run.threads)
    clips = {clip.name: clip for clip in read_clips(cache.folder / CLIPS)}
    names, vectors = _vector_of_each_clip(classifier, cache, run.report.split)
    people = [str(clips[name].label) for name in names]
    pattern = compile_named("report.gallery", run.report.gallery, None)
    if pattern is None:
        scenes = [_scene(clips[name]) for name in names]
        found = retrieval.leave_one_out(vectors, people, groups=scenes)
        held = fit_linear.cross_validate(
            vectors, people, folds=_FOLDS, groups=scenes, kind="svm", unit=True, seed=run.seed
        )
        classes, shares, probes = held.classes, held.probabilities, [*range(len(names))]
    else:
        gallery = [i for i, name in enumerate(names) if pattern.search(name)]
        probes = [i for i in range(len(names)) if i not in {*gallery}]
        _check_gallery(run, people, gallery, probes)
        known = [people[i] for i in gallery]
        asked = [people[i] for i in probes]
        found = retrieval.retrieve(vectors[gallery], known, vectors[probes], asked)
        probes = [i for i in probes if people[i] in known]
        machine = fit_linear.fit(vectors[gallery], known, kind="svm", unit=True, seed=run.seed)
        classes, shares = machine.classes, machine(vectors[probes])
    answers = Answers(
        split=run.report.split,
        classes=classes,
        images=tuple(Path(names[i]) for i in probes),
        persons=np.full(len(probes), -1),
        labels=np.array([classes.index(people[i]) for i in probes], int),
        probabilities=shares,
    )
    return answers, found


def _vector_of_each_clip(
    classifier: predict_sequences.SequenceClassifier, cache: Cache[Any], split: str
) -> tuple[list[str], np.ndarray]:
    """Returns the clips' names and `(N, D)` float32, the mean of each one's windows."""
    entries = cache.of_split(split)
    windows = embed(classifier, cache, entries, f"embedding {split}")
    rows: dict[str, list[int]] = {}
    for row, entry in enumerate(entries):
        rows.setdefault(entry.image.as_posix(), []).append(row)
    return [*rows], np.stack([windows[of_clip].mean(axis=0) for of_clip in rows.values()])


def _scene(clip: Clip) -> str:
    return clip.group or clip.name


def _check_gallery(
    run: motion.ClipRun, people: Sequence[str], gallery: Sequence[int], probes: Sequence[int]
) -> None:
    if len({people[i] for i in gallery}) < 2 or not probes:
        raise ValueError(
            f"report.gallery {run.report.gallery!r} must be found in the names of clips of two "
            f"people or more, and not in all. It is found in {len(gallery)} of {len(people)}."
        )


def _figures(found: retrieval.Retrieval) -> dict[str, float]:
    """Returns the figures by the names that `compare` looks for."""
    return {"rank1": found.rank1, "rank5": found.rank5, "mean_average_precision": found.mean_ap}


def _score(answers: Answers) -> Report:
    return evaluate(
        answers.probabilities, answers.labels, classes=answers.classes, split=answers.split
    )


def _facts(run: motion.ClipRun) -> dict[str, str]:
    """Returns rows for the report's first table: the model, and what each step took."""
    stage2 = run.stage2
    model = str(stage2.encoder) if stage2.encoder else stage2.model
    parts = [] if run.has_features else [model]
    facts = {"classifier": " + ".join([*parts, *([stage2.linear.kind] if stage2.linear else [])])}
    for step in steps_of(run)[:-1]:
        found = manifest.read(run.run_dir / step)
        facts[f"minutes for {step}"] = f"{found['seconds'] / 60:.1f}" if found else "?"
    return facts
