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
from threadpoolctl import threadpool_limits

from pose_activity.annotations.sample_files import read_samples
from pose_activity.artifacts.removal import remove
from pose_activity.backbones import registry
from pose_activity.cache.record import Entry
from pose_activity.cache.store import Cache, open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.learning.history import TRAINING_FILES
from pose_activity.learning.tensorflow_start import start_tensorflow
from pose_activity.runtime import calibrate
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier.frozen import backbone, export, features, fit, head, join
from pose_activity.stage2_classifier.frozen.layout import Layout
from pose_activity.stage2_classifier.options import FrozenHead
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
    # Folds are side by side, where the threads of one product would wait for each other's.
    with threadpool_limits(1, "blas"):
        return _fit_linear(run, folder)


def _fit_linear(run: PictureRun, folder: Path) -> Counts:
    linear = run.classifier.linear
    if linear is None:
        raise ValueError("stage2.linear is not set: this run trains a network.")
    cache, graph = open_cache(run.run_dir / "cache"), find_backbone(run)
    train, val = cache.of_split("train"), cache.of_split("val")
    learned, judged = slice(len(train)), slice(len(train), None)  # of what follows
    vectors, mirrored = _find_vectors(run, cache, linear, [*train, *val], graph)
    ids = np.array([cache.class_id(entry) for entry in [*train, *val]])
    classes, groups = len(cache.classes), _groups(run, train)
    joints = Layout.of(cache.recipe).joints
    with progress_bar("fitting", console) as show:
        fitted = fit.fit(
            vectors[learned],
            ids[learned],
            classes=classes,
            mirrored=None if mirrored is None else mirrored[learned],
            groups=groups,
            joints=joints,
            C=linear.C,
            folds=linear.folds,
            seed=run.seed,
            threads=run.threads,
            on_progress=show,
        )
    chosen, exported = fitted.tried[-1], fitted.head
    if run.report.split == "test":
        exported = fit.fit_head(
            vectors,
            ids,
            classes=classes,
            mirrored=mirrored,
            joints=joints,
            C=chosen.C,
            joint_weight=fitted.joint_weight,
        )
    on_val = fitted.head.probabilities(vectors[judged])
    # Neither the folds' answers nor those on val are to pictures that were learned from.
    answers = _write_answers(run, folder, cache, np.concatenate([fitted.held_out, on_val]))
    head.save(folder, fitted.head)
    head.save(folder, exported, head.EXPORTED)
    _export(
        run,
        folder,
        cache,
        graph,
        exported,
        answers,
        pooling=linear.pooling,
        of_val=vectors[judged],
    )
    write_curve(
        folder,
        vectors[learned],
        ids[learned],
        held_out=vectors[judged],
        held_out_ids=ids[judged],
        classes=classes,
        groups=groups,
        joints=joints,
        head=fitted.head,
        C=chosen.C,
        joint_weight=fitted.joint_weight,
        seed=run.seed,
        threads=run.threads,
    )
    report = evaluate(on_val, ids[judged], classes=cache.classes, split="val")
    accuracy = report.accuracy
    with_joints = f", joints by {fitted.joint_weight:g}" if joints else ""
    say(
        f"C {chosen.C:g}{with_joints}: accuracy {fitted.accuracy:.3f} on inner folds, "
        f"{accuracy:.3f} on val"
    )
    say_unknown(folder, held_out=len(ids))
    return {
        "C": chosen.C,
        **({"joint_weight": fitted.joint_weight} if joints else {}),
        "folds_accuracy": fitted.accuracy,
        "val_accuracy": accuracy,
        "val_macro_f1": report.macro_f1,
    }


def _find_vectors(
    run: PictureRun, cache: Cache, linear: FrozenHead, entries: Sequence[Entry], graph: Path
) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns the pooled features of entries, `(N, D)`, and of their mirror images if asked."""
    wanted = [features.Wanted(entry) for entry in entries]
    if linear.mirror:
        wanted += [features.Wanted(entry, mirrored=True) for entry in entries]
    with progress_bar("computing features", console) as show:
        vectors = features.find(
            cache.folder / features.FILE,
            cache,
            wanted,
            backbone=graph,
            threads=run.threads,
            on_progress=show,
        )
    columns = Layout.of(cache.recipe).columns(linear.pooling, vectors.shape[1])
    vectors, count = vectors[:, columns], len(entries)
    return vectors[:count], vectors[count:] if linear.mirror else None


def _write_answers(
    run: PictureRun, folder: Path, cache: Cache, probabilities: np.ndarray
) -> Predictions:
    """Writes the answers to train and val, and which differ from the result before."""
    entries = [*cache.of_split("train"), *cache.of_split("val")]
    answers = Predictions(
        split="held out of train, and val",
        classes=cache.classes,
        images=tuple(entry.source for entry in entries),
        persons=np.array([entry.person for entry in entries]),
        labels=np.array([cache.class_id(entry) for entry in entries]),
        probabilities=probabilities,
    )
    # The earlier result is still there while a new one is made.
    changed_answers.list_changes(run.run_dir / "stage2", answers, folder)
    answers.write(folder / HELD_OUT)
    return answers


def _export(
    run: PictureRun,
    folder: Path,
    cache: Cache,
    graph: Path,
    fitted: head.LinearHead,
    answers: Predictions,
    *,
    pooling: Sequence[str],
    of_val: np.ndarray,
) -> None:
    """Writes the classifier, calibrated by answers to what was not learned from."""
    section = run.classifier
    export.export(
        folder,
        backbone=graph,
        fitted=fitted,
        recipe=cache.recipe,
        classes=cache.classes,
        pooling=pooling,
        calibration=calibrate.fit(
            answers.probabilities,
            answers.labels,
            precision=section.unknown_precision,
            min_coverage=section.unknown_min_coverage,
        ),
        examples=[cache.load(entry) for entry in cache.of_split("val")[:PARITY_PICTURES]],
        vectors=of_val[:PARITY_PICTURES],
    )


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
