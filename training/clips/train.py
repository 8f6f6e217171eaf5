"""The step `stage2` of a run on clips: a network is trained, or taken frozen; then `linear`.

    stage2/classifier.onnx, .json   the network
    stage2/features.parquet         its vectors of all sequences, with `stage2.linear`
    stage2/linear.npz, .json        the scikit-learn classifier on them, as plain numbers

A run on a table of features has no network.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.readers.feature_table import (
    FeatureTable,
    read_features,
    write_features,
)
from pose_activity.annotations.readers.pose_files import PoseFormat
from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import recipe_changes
from pose_activity.artifacts.removal import remove
from pose_activity.cache.sequence import LEAST_SEEN, prepare
from pose_activity.cache.store import Cache, open_cache
from pose_activity.cache.windows import CLIPS
from pose_activity.configs.clips import ClipRun
from pose_activity.inference.clips import pose_files
from pose_activity.inference.kinds import POSE_FILES
from pose_activity.learning.history import TRAINING_FILES, early_end
from pose_activity.learning.tensorflow_start import start_tensorflow
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier import predict_sequences, sidecar
from pose_activity.stage2_classifier.options import LinearOptions
from pose_activity.stage2_classifier.vectors import fit, linear
from pose_activity.training.clips import steps
from pose_activity.training.clips.embeddings import features_of
from pose_activity.training.console import console
from pose_activity.training.resume import resume_or_restart
from pose_activity.training.steps import Counts
from pose_activity.training.unknown import say_unknown

PARITY_SEQUENCES = 8  # on which the exported graph is compared with Keras
_USUAL = 0.1  # quantile of the shares of training windows in which somebody was seen


def make_stage2(run: ClipRun, folder: Path, *, finish: bool = False) -> Counts:
    """Trains the classifier of clips, or ends its training where it is; exports it."""
    if finish and (run.has_features or run.stage2.encoder):
        raise ValueError("Only the training of a network has epochs to keep. This run trains none.")
    for name in (linear.NUMBERS, linear.SIDECAR, POSE_FILES):  # of an earlier configuration
        (folder / name).unlink(missing_ok=True)
    section = run.stage2.linear
    if run.has_features and section:
        table = read_features(run.run_dir / "annotations" / steps.FEATURES)
        say_unknown(folder, held_out=0, by_linear=True)
        return _fit_linear(run, section, table, folder)
    cache = open_cache(run.run_dir / "cache")
    if run.stage2.encoder:
        counts = _take_encoder(run.stage2.encoder / "stage2", cache, folder)
    else:
        counts = _train(run, cache, folder, finish)
    if not run.has_videos:
        data = run.clips
        form = PoseFormat(fps=data.fps, skeleton=data.skeleton, min_score=data.min_score)
        pose_files.write_format(folder, form)
    if section:
        classifier = predict_sequences.load(folder, threads=run.threads)
        table = features_of(classifier, cache)
        write_features(folder / steps.FEATURES, table)
        counts |= _fit_linear(run, section, table, folder)
    held_out = len(cache.of_split("val"))
    say_unknown(folder, held_out=held_out, by_linear=section is not None)
    return counts


def _fit_linear(run: ClipRun, section: LinearOptions, table: FeatureTable, folder: Path) -> Counts:
    rows = [i for i, split in enumerate(table.splits or ()) if split == "train"]
    classifier = fit.fit(
        table.vectors[rows],
        [table.labels[i] for i in rows],
        section,
        groups=[table.groups[i] or str(i) for i in rows] if table.groups else None,
        seed=run.seed,
    )
    linear.save(folder, classifier)
    return {"vectors": len(rows), "dimension": classifier.dimension}


def _take_encoder(encoder: Path, cache: Cache, folder: Path) -> dict[str, Any]:
    """Copies a finished run's network; it must have been trained on sequences like these."""
    found = predict_sequences.load(encoder, engine="onnxruntime", threads=1)
    theirs, ours = ({**r.as_json(), "pose": None} for r in (found.recipe, cache.recipe))
    if "fingerprint" not in theirs or "fingerprint" not in ours:  # unknown is no difference
        for recipe in (theirs, ours):
            recipe.pop("fingerprint", None)
    if changed := recipe_changes(theirs, ours):
        raise ValueError(
            f"stage2.encoder {encoder} learned from other sequences ({'; '.join(changed[:3])}). "
            "Give this run the encoder's section sequence."
        )
    for rest in TRAINING_FILES:
        remove(folder / rest)
    with atomic.replacing(folder / sidecar.GRAPH) as temporary:
        shutil.copyfile(encoder / sidecar.GRAPH, temporary)
    about = json.loads((encoder / sidecar.SIDECAR).read_text(encoding="utf-8"))
    # Its poses are this run's: inference has to find people as this run does.
    atomic.write_json(folder / sidecar.SIDECAR, {**about, "recipe": cache.recipe.as_json()})
    return {"encoder": encoder.parent.name}


def _train(run: ClipRun, cache: Cache, folder: Path, finish: bool) -> dict[str, Any]:
    start_tensorflow(run.run_dir / "logs" / "tensorflow.txt")
    from pose_activity.stage2_classifier import export_sequences, fit_sequences

    section = run.stage2

    def train() -> Any:
        with progress_bar("training stage 2", console) as show:
            return fit_sequences.fit(
                cache,
                folder,
                section,
                seed=run.seed,
                threads=run.threads,
                finish=finish,
                logs=run.run_dir / "logs" / "stage2",
                on_progress=show,
            )

    history = train() if finish else resume_or_restart(train, folder)
    held_out = cache.of_split("val")
    sample = (held_out or cache.of_split("train"))[:PARITY_SEQUENCES]
    export_sequences.export(
        folder,
        recipe=cache.recipe,
        classes=cache.classes,
        tensors=np.stack([cache.load(entry, verify=True).x for entry in sample]),
        validation=((cache.load(e, verify=True).x, cache.class_id(e)) for e in held_out),
        clips=[entry.source for entry in held_out],
        least_seen=_least_seen(cache),
        unknown_precision=section.unknown_precision,
        unknown_min_coverage=section.unknown_min_coverage,
        threads=run.threads,
    )
    return early_end(folder) | history.kept.row()


def _least_seen(cache: Cache) -> float:
    """Returns the share of a window's frames that must show a person for a sure prediction.

    Half, or as little as was usual in training: a network trained on padded windows knows them.
    """
    names = {entry.source.as_posix() for entry in cache.of_split("train")}
    clips = [clip for clip in read_clips(cache.folder / CLIPS) if clip.name in names]
    cuts = [prepare(clip, cache.recipe) for clip in clips]
    shares = [cut.seen(window) for cut in cuts for window in range(len(cut.begins))]
    return min(LEAST_SEEN, float(np.quantile(shares, _USUAL)))
