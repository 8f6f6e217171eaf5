"""The step `stage2` of a run with `stage2.linear`: a head on the features of a frozen backbone.

    cache/features.parquet    the vectors of all pictures that were looked at
    stage2/head.npz           a head that learned from train, as plain numbers
    stage2/exported_head.npz  the one that is in the graph
    stage2/held_out.parquet   answers to train by the inner folds, and to val by that head
    stage2/classifier.onnx    backbone and a head, with classifier.json
    stage2/learning_curve.json: see `fit_curve`

How strongly a head is held back is chosen by the inner folds of train, so val serves figures alone:
where the report is of test, the exported head learns from val too.

Imports neither TensorFlow nor torch, but where a backbone's graph must be exported from Keras.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pose_activity.annotations.sample_files import read_samples
from pose_activity.artifacts.removal import remove
from pose_activity.cache.record import Entry
from pose_activity.cache.store import open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.learning.history import TRAINING_FILES
from pose_activity.learning.tensorflow_start import start_tensorflow
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier import calibrate
from pose_activity.stage2_classifier.frozen import backbone, export, features, fit, head, join
from pose_activity.stage2_classifier.frozen.layout import Layout
from pose_activity.stage2_classifier.models.images import registry
from pose_activity.stage2_classifier.scores.evaluate import evaluate
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.console import console, say
from pose_activity.training.pictures import changed_answers
from pose_activity.training.pictures.files import HELD_OUT, LINEAR
from pose_activity.training.pictures.fit_curve import write_curve
from pose_activity.training.steps import Counts
from pose_activity.training.unknown import say_unknown

PARITY_PICTURES = 8  # on which the composed graph is compared with arithmetic on features


def fit_linear(run: PictureRun, folder: Path) -> Counts:
    """Fits the head and writes the classifier."""
    for rest in (*TRAINING_FILES, "augmentations.png", LINEAR):  # of an earlier configuration
        remove(folder / rest)
    cache = open_cache(run.run_dir / "cache")
    section, linear = run.classifier, run.classifier.linear
    if linear is None:
        raise ValueError("stage2.linear is not set: this run trains a network.")
    graph = find_backbone(run)
    train, val = cache.of_split("train"), cache.of_split("val")
    wanted = [features.Wanted(entry) for entry in [*train, *val]]
    if linear.mirror:
        wanted += [features.Wanted(entry, mirrored=True) for entry in [*train, *val]]
    with progress_bar("computing features", console) as show:
        vectors = features.find(
            cache.folder / features.FILE,
            cache,
            wanted,
            backbone=graph,
            threads=run.threads,
            on_progress=show,
        )
    layout = Layout.of(cache.recipe)
    vectors = vectors[:, layout.columns(linear.pooling, vectors.shape[1])]
    ids = np.array([cache.class_id(entry) for entry in [*train, *val]])
    vectors, mirrored = vectors[: len(ids)], vectors[len(ids) :] if linear.mirror else None
    groups = _groups(run, train)
    with progress_bar("fitting", console) as show:
        fitted = fit.fit(
            vectors[: len(train)],
            ids[: len(train)],
            classes=len(cache.classes),
            mirrored=None if mirrored is None else mirrored[: len(train)],
            groups=groups,
            C=linear.C,
            folds=linear.folds,
            seed=run.seed,
            on_progress=show,
        )
    chosen = fitted.tried[-1]
    exported = fitted.head
    if run.report.split == "test":
        exported = fit.fit_head(
            vectors, ids, classes=len(cache.classes), mirrored=mirrored, C=chosen.C
        )
    on_val = fitted.head.probabilities(vectors[len(train) :])
    # Neither the folds' answers nor those on val are to pictures that were learned from.
    held_out = np.concatenate([fitted.held_out, on_val])
    answers = Predictions(
        split="held out of train, and val",
        classes=cache.classes,
        images=tuple(entry.source for entry in [*train, *val]),
        persons=np.array([entry.person for entry in [*train, *val]]),
        labels=ids,
        probabilities=held_out,
    )
    earlier = run.run_dir / "stage2" / HELD_OUT  # still there while a new result is made
    changed_answers.list_changes(earlier, answers, folder)
    answers.write(folder / HELD_OUT)
    calibration = calibrate.fit(
        held_out,
        ids,
        precision=section.unknown_precision,
        min_coverage=section.unknown_min_coverage,
    )
    head.save(folder, fitted.head)
    head.save(folder, exported, head.EXPORTED)
    export.export(
        folder,
        backbone=graph,
        fitted=exported,
        recipe=cache.recipe,
        classes=cache.classes,
        pooling=linear.pooling,
        calibration=calibration,
        examples=[cache.load(entry) for entry in val[:PARITY_PICTURES]],
        vectors=vectors[len(train) :][:PARITY_PICTURES],
    )
    write_curve(
        folder,
        vectors[: len(train)],
        ids[: len(train)],
        held_out=vectors[len(train) :],
        held_out_ids=ids[len(train) :],
        classes=len(cache.classes),
        groups=groups,
        C=chosen.C,
        seed=run.seed,
    )
    judged = evaluate(on_val, ids[len(train) :], classes=cache.classes, split="val")
    accuracy = judged.accuracy
    say(f"C {chosen.C:g}: accuracy {chosen.accuracy:.3f} on inner folds, {accuracy:.3f} on val")
    say_unknown(folder, held_out=len(ids))
    return {
        "C": chosen.C,
        "folds_accuracy": chosen.accuracy,
        "val_accuracy": accuracy,
        "val_macro_f1": judged.macro_f1,
    }


def find_backbone(run: PictureRun) -> Path:
    """Returns the graph that makes the run's features, of one network or of several at once."""
    section = run.classifier

    def export_from_keras(model: str, weights: Path, path: Path) -> None:
        start_tensorflow(run.run_dir / "logs" / "tensorflow.txt")
        from pose_activity.stage2_classifier import export_backbone

        export_backbone.export(model, weights, path)

    also = section.linear.also if section.linear else ()
    graphs = []
    for model, name in [(section.model, section.weights), *((one, "imagenet") for one in also)]:
        weights = registry.find_weights(model, name, on_progress=_say)
        if weights is None:
            raise ValueError(
                "stage2.linear needs the features of a trained network: name its weights"
            )
        graphs.append(backbone.find(model, weights, export=export_from_keras, on_progress=_say))
    return join.find(graphs)


def _groups(run: PictureRun, entries: Sequence[Entry]) -> list[str]:
    """Returns a name per entry: its group, else its picture; copies have the first one's."""
    samples = read_samples(run.run_dir / "annotations" / "samples.jsonl")
    groups = {sample.image: sample.group for sample in samples if sample.group}
    names: dict[str, str] = {}
    for entry in entries:
        names.setdefault(entry.sha256, groups.get(entry.source) or entry.source.as_posix())
    return [names[entry.sha256] for entry in entries]


def _say(done: int, total: int, text: str) -> None:
    say(text)
