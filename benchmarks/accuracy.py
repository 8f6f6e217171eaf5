"""What the recipes for photos score: 5-fold, each fold a run of `train.py` from labels to report.

    python benchmarks/accuracy.py PHOTOS [--weights yolov8n-pose.pt] [--only quick] [--folds 5]

PHOTOS holds a folder per activity, such as Stanford 40's training part. In each fold a fifth of the
photos is the test split, and .15 of the others val; near-duplicates stay together. A row is a
configuration, see `ROWS`: poses and tensors are made once by `train.py`, features of all photos
once, and in each fold a head is fitted by what the step `stage2` calls: C, the joints' weight and
the temperature by inner folds, then learned from train and val. `plain_keras` is the contestant,
see that file. A fold that is finished is kept: the command continues where it was stopped.

Written after every fold: per row `accuracy`, `spread` (the best fold minus the worst), further
means, and the paired difference from `rgb_only` on the same photos with its 95 % interval. With
`--whole`, a run of `train.py all` from nothing follows for each row: its `minutes`, poses and
report included, are what a user waits, and `whole` is its accuracy on fold 0.
"""

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
CONFIGS = HERE.parent / "configs"
sys.path.insert(0, str(HERE.parent))

from benchmarks.sequences import merge, read  # noqa: E402
from pose_activity.annotations.sample_files import read_samples  # noqa: E402
from pose_activity.artifacts import atomic, csv_text, manifest  # noqa: E402
from pose_activity.cache.store import open_cache  # noqa: E402
from pose_activity.configs.pictures import PictureRun, load  # noqa: E402
from pose_activity.configs.sections import STEPS  # noqa: E402
from pose_activity.runtime import calibrate  # noqa: E402
from pose_activity.stage2_classifier.frozen import features, fit  # noqa: E402
from pose_activity.stage2_classifier.frozen.layout import Layout  # noqa: E402
from pose_activity.stage2_classifier.scores.compare_answers import compare_answers  # noqa: E402
from pose_activity.stage2_classifier.scores.evaluate import evaluate  # noqa: E402
from pose_activity.stage2_classifier.scores.predictions import Predictions  # noqa: E402
from pose_activity.training.pictures.fit_linear import find_backbone  # noqa: E402
from pose_activity.training.pictures.steps import step_names  # noqa: E402


@dataclass(frozen=True)
class Row:
    """A recipe: a configuration, what is changed in it, and the name of the folder of its tensors.

    Recipes of the same tensors share a folder.
    """

    config: str
    changes: tuple[str, ...] = ()
    folder: str = "two_views"


ROWS = {
    "quick": Row("folder", folder="joints"),
    "no_joints": Row("folder", ("cache.person_view.joints=false",)),
    "rgb_only": Row("rgb_only", folder="rgb_only"),
    "rgb_heatmap": Row(
        "folder", ("cache.person_view=null", "cache.planes=[rgb, heatmap]"), "rgb_heatmap"
    ),
    "best": Row("best", folder="joints"),
    "best_no_joints": Row("best", ("cache.person_view.joints=false",)),
    "live": Row("live", folder="live"),
}
CONTESTANT = "plain_keras"
NAMES = (*ROWS, CONTESTANT)
FLOORS = {"quick": 0.79, "best": 0.82}
_SCORES = (
    *("accuracy", "top3_accuracy", "macro_f1", "macro_average_precision"),
    *("accuracy_at_coverage", "ece"),
)
_METRICS, _WHOLE = "metrics.json", "whole.json"
_VAL = 0.15  # of the photos that are not test
_PLAIN = "rgb_only"  # what the others are compared with


def main(
    photos: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    weights: Annotated[str, typer.Option(help="Stage 1's.")] = "yolov8n-pose.pt",
    only: Annotated[list[str] | None, typer.Option(help=f"Some of: {', '.join(NAMES)}.")] = None,
    folds: Annotated[int, typer.Option(min=2)] = 5,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    whole: Annotated[bool, typer.Option(help="Measure minutes as well.")] = False,
    work: Annotated[Path, typer.Option(help="Where the runs are.")] = Path("runs/bench_accuracy"),
    out: Annotated[Path, typer.Option()] = HERE / "results" / "accuracy.json",
) -> None:
    """Measures, writes the figures beside those that are there, and prints a table."""
    unknown = sorted({*(only or ())} - {*NAMES})
    if unknown:
        raise typer.BadParameter(f"--only takes some of {[*NAMES]}. Received: {unknown}")
    read(out)  # a file that cannot be added to is refused now, not after the work
    tables = _write_folds(photos, weights, folds, seed, work)
    for name in only or NAMES:
        for fold, table in enumerate(tables):
            done = _done(work, name, fold)
            finished = (done / _METRICS).is_file()
            if not finished and name == CONTESTANT:
                _run_contestant(photos, table, done, read(out).get("best", {}).get("minutes"))
            elif not finished:
                with threadpool_limits(1, "blas"):  # as the step stage2 has it
                    _fit_fold(name, photos, weights, table, done)
            # Also of a finished fold: what it is compared with may be there only now.
            merge(out, {name: _summary(name, work, folds)})
        if whole and name != CONTESTANT:
            _run_whole(name, photos, weights, tables[0], work)
            merge(out, {name: _summary(name, work, folds)})
    found = read(out)
    Console().print(_as_table({name: found[name] for name in only or NAMES if name in found}))


def _write_folds(photos: Path, weights: str, folds: int, seed: int, work: Path) -> list[Path]:
    """Writes the splits of every fold as a table of labels; returns the tables."""
    first = work / "photos"
    train("annotations", "folder", first, (f"data.images={photos}", f"stage1.weights={weights}"))
    samples = sorted(read_samples(first / "annotations" / "samples.jsonl"), key=lambda s: s.image)
    labels = [str(sample.activity) for sample in samples]
    groups = [sample.group or str(sample.image) for sample in samples]
    parts = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    tables = []
    for fold, (learned, tested) in enumerate(parts.split(labels, labels, groups)):
        # The first of so many folds of the rest is val.
        own = [labels[i] for i in learned], [groups[i] for i in learned]
        inner = StratifiedGroupKFold(round(1 / _VAL), shuffle=True, random_state=seed)
        _, val = next(inner.split(own[0], *own))
        split = dict.fromkeys(tested.tolist(), "test") | dict.fromkeys(learned[val].tolist(), "val")
        rows = [
            (sample.image.relative_to(photos), labels[i], groups[i], split.get(i, "train"))
            for i, sample in enumerate(samples)
        ]
        table = work / f"fold_{fold}.csv"
        atomic.write_text(table, csv_text.as_text([("image", "activity", "group", "split"), *rows]))
        tables.append(table)
    return tables


def _done(work: Path, name: str, fold: int) -> Path:
    """Returns where a fold's predictions and figures are kept; the figures are written last."""
    return work / "folds" / name / str(fold)


def _finished(work: Path, name: str) -> list[int]:
    """Returns the folds of a row that are finished."""
    found = (work / "folds" / name).glob(f"*/{_METRICS}")
    return sorted(int(path.parent.name) for path in found)


def _fit_fold(name: str, photos: Path, weights: str, table: Path, done: Path) -> None:
    """Fits a head as the step `stage2` does, and writes how it answers for the test split."""
    work = done.parents[2]
    run = _tensors(ROWS[name], photos, weights, table, work)
    cache = open_cache(run.run_dir / "cache")
    given = {photos / row["image"]: row for row in _rows(table)}
    entries = [entry for entry in cache.entries if entry.source in given]
    splits = np.array([given[entry.source]["split"] for entry in entries])
    groups = np.array([given[entry.source]["group"] for entry in entries])
    ids = np.array([cache.class_id(entry) for entry in entries])
    vectors = features.find(
        work / f"{name}.parquet",
        cache,
        [features.Wanted(entry) for entry in entries],
        backbone=find_backbone(run),
        threads=run.threads,
    )
    linear = run.classifier.linear
    if linear is None or linear.mirror or run.classifier.fine_tune:
        raise ValueError("This file measures recipes of stage2.linear without mirror images alone")
    layout = Layout.of(cache.recipe)
    vectors = vectors[:, layout.columns(linear.pooling, vectors.shape[1])]
    train, val, test = (np.flatnonzero(splits == split) for split in ("train", "val", "test"))
    classes = len(cache.classes)
    found = fit.fit(
        vectors[train],
        ids[train],
        classes=classes,
        groups=groups[train].tolist(),
        joints=layout.joints,
        C=linear.C,
        folds=linear.folds,
        seed=run.seed,
        threads=run.threads,
    )
    held_out = np.concatenate([found.held_out, found.head.probabilities(vectors[val])])
    both = np.concatenate([train, val])
    temperature = calibrate.temperature(held_out, ids[both])
    chosen = found.tried[-1].C
    exported = fit.fit_head(
        vectors[both],
        ids[both],
        classes=classes,
        joints=layout.joints,
        C=chosen,
        joint_weight=found.joint_weight,
    )
    answers = Predictions(
        split="test",
        classes=cache.classes,
        images=tuple(entries[i].source for i in test),
        persons=np.full(len(test), -1),
        labels=ids[test],
        probabilities=calibrate.apply(exported.probabilities(vectors[test]), temperature),
    )
    answers.write(done / "predictions.parquet")
    report = evaluate(answers.probabilities, answers.labels, classes=cache.classes, split="test")
    atomic.write_json(
        done / _METRICS, report.as_json() | {"C": chosen, "joint_weight": found.joint_weight}
    )


def _rows(table: Path) -> list[dict[str, str]]:
    header, *lines = csv_text.read(table.read_text(encoding="utf-8").splitlines())
    return [dict(zip(header, line, strict=True)) for line in lines]


def _tensors(row: Row, photos: Path, weights: str, table: Path, work: Path) -> PictureRun:
    """Returns a row's run, with poses and tensors of all photos."""
    changes = (f"run_dir={work / row.folder}", *_changes(row, photos, weights, table))
    run = load(CONFIGS / f"{row.config}.yaml", changes)
    if not (run.run_dir / "cache" / manifest.NAME).is_file():
        for step in [name for name in step_names(run) if name in STEPS[:3]]:
            train(step, row.config, run.run_dir, changes)
    return run


def _run_whole(name: str, photos: Path, weights: str, table: Path, work: Path) -> None:
    """Runs a row's recipe from nothing, and notes its minutes."""
    row, run = ROWS[name], work / "whole" / name
    note = work / "folds" / name / _WHOLE
    if note.is_file():
        return
    if run.exists():  # half done: its minutes would be wrong
        shutil.rmtree(run)
    train("all", row.config, run, _changes(row, photos, weights, table))
    manifests = [_json(run / step / manifest.NAME) for step in STEPS if (run / step).is_dir()]
    accuracy = _json(run / "report" / _METRICS)["accuracy"]
    seconds = sum(step["seconds"] for step in manifests)
    atomic.write_json(note, {"minutes": seconds / 60, "whole": accuracy})


def _changes(row: Row, photos: Path, weights: str, table: Path) -> tuple[str, ...]:
    data = ("data.format=table", f"data.annotations={table}", f"data.images={photos}")
    return *data, f"stage1.weights={weights}", "split=given", *row.changes


def _run_contestant(photos: Path, table: Path, done: Path, minutes: float | None) -> None:
    """Gives it the minutes of `best`, where that is measured."""
    limit = ("--minutes", f"{minutes:.2f}") if minutes else ()
    command = [sys.executable, HERE / "plain_keras.py", table, photos, done, *limit]
    subprocess.run(command, check=True)


def train(step: str, config: str, run: Path, changes: Sequence[str]) -> None:
    """Runs a step of `train.py` with a configuration's name and changes in it."""
    sets = [part for change in (f"run_dir={run}", *changes) for part in ("--set", change)]
    command = [sys.executable, "-m", "pose_activity.train", step, "--config", config, *sets]
    subprocess.run(command, check=True)


def _summary(name: str, work: Path, folds: int) -> dict[str, Any]:
    """Returns the figures of a row's finished folds."""
    done = [fold for fold in _finished(work, name) if fold < folds]
    metrics = {fold: _json(_done(work, name, fold) / _METRICS) for fold in done}
    accuracies = {str(fold): found["accuracy"] for fold, found in metrics.items()}
    figures = {
        score: statistics.fmean(found[score] for found in metrics.values() if score in found)
        for score in (*_SCORES, "minutes")  # the contestant's are in its figures
        if any(score in found for found in metrics.values())
    }
    summary = figures | {
        "spread": max(accuracies.values()) - min(accuracies.values()),
        "folds": accuracies,
        "command": f"python benchmarks/accuracy.py PHOTOS --only {name} --folds {folds}",
    }
    note = work / "folds" / name / _WHOLE
    if note.is_file():
        summary |= _json(note)
    return summary | _difference(name, work, done)


def _difference(name: str, work: Path, folds: Sequence[int]) -> dict[str, Any]:
    """Returns the paired difference from the picture alone, over the folds that both have."""
    both = [fold for fold in folds if fold in _finished(work, _PLAIN)]
    if name == _PLAIN or not both:
        return {}
    first, second = (
        _joined([_done(work, row, fold) / "predictions.parquet" for fold in both])
        for row in (_PLAIN, name)
    )
    found = compare_answers(first, second)
    return {"over_rgb_only": found.gain, "over_rgb_only_interval": found.interval}


def _joined(paths: Sequence[Path]) -> Predictions:
    """Returns the predictions of several folds as one."""
    parts = [Predictions.read(path) for path in paths]
    return Predictions(
        split=parts[0].split,
        classes=parts[0].classes,
        images=tuple(image for part in parts for image in part.images),
        persons=np.concatenate([part.persons for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
    )


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _as_table(results: dict[str, dict[str, Any]]) -> Table:
    table = Table("row", "accuracy", "spread", "minutes", "folds", "must reach", "over rgb_only")
    for name, found in results.items():
        over = found.get("over_rgb_only")
        low, high = found.get("over_rgb_only_interval", (0, 0))
        table.add_row(
            name,
            f"{found['accuracy']:.4f}",
            f"{found['spread']:.4f}",
            f"{found['minutes']:.1f}" if "minutes" in found else "",
            str(len(found["folds"])),
            f"{FLOORS[name]:.2f}" if name in FLOORS else "",
            "" if over is None else f"{over:+.4f} [{low:+.4f}, {high:+.4f}]",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
