"""The answers of a run's linear head to held-out pictures, from features that are kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pose_activity.artifacts.shards import Shard
from pose_activity.cache.record import by_name, stack
from pose_activity.cache.store import Cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.runtime import graph
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier import predict
from pose_activity.stage2_classifier.frozen import features, head
from pose_activity.stage2_classifier.frozen.answers import FeatureAnswers
from pose_activity.stage2_classifier.frozen.layout import Layout
from pose_activity.stage2_classifier.scores import input_worth
from pose_activity.training.console import console
from pose_activity.training.pictures.fit_linear import find_backbone

CHECKED = 8  # pictures on which the exported graph is compared with them
TOLERANCE = 1e-4  # largest difference of a probability, or the head's rounding


def is_head(run: PictureRun) -> bool:
    """Returns whether the classifier is a linear head on features that are kept."""
    return bool(run.classifier.linear) and (run.run_dir / "stage2" / head.EXPORTED).is_file()


def keep_features(run: PictureRun, cache: Cache, split: str, folder: Path, shard: Shard) -> None:
    """Computes the features of a shard of a split that the cache does not have, in a folder."""
    path, backbone = folder / features.FILE, find_backbone(run)
    wanted = shard.take([features.Wanted(entry) for entry in cache.of_split(split)])
    wanted = features.unknown(cache.folder / features.FILE, cache, wanted, backbone=backbone)
    if not wanted:
        path.unlink(missing_ok=True)
        return
    with progress_bar("computing features", console) as show:
        features.find(path, cache, wanted, backbone=backbone, threads=run.threads, on_progress=show)


def answers_of(
    run: PictureRun,
    classifier: predict.Classifier,
    cache: Cache,
    split: str,
    parts: Sequence[Path] = (),
) -> FeatureAnswers | None:
    """Returns the answers to one split; None where the classifier is a network of its own.

    Args:
        run: The step `stage2` is finished.
        classifier: That of the run.
        cache: The run's.
        split: With one picture at least.
        parts: Folders of `keep_features` of all shards, in order; what they hold is kept with the
            cache then.

    Raises:
        ValueError: the exported graph answers otherwise.
    """
    folder, linear = run.run_dir / "stage2", run.classifier.linear
    if linear is None or not is_head(run):
        return None
    backbone, entries = find_backbone(run), cache.of_split(split)
    if parts:
        files = [part / features.FILE for part in parts]
        features.merge(cache.folder / features.FILE, files, cache, backbone=backbone)
    with progress_bar("computing features", console) as show:
        vectors = features.find(
            cache.folder / features.FILE,
            cache,
            [features.Wanted(entry) for entry in entries],
            backbone=backbone,
            threads=run.threads,
            on_progress=show,
        )
    layout = Layout.of(cache.recipe)
    engine = graph.load(backbone, engine="onnxruntime", threads=run.threads)
    found = FeatureAnswers(
        head=head.load(folder, head.EXPORTED),
        temperature=classifier.temperature,
        vectors=vectors,
        blank=features.vector(by_name(input_worth.blank(cache.recipe)), engine, layout),
        layout=layout,
        columns=layout.columns(linear.pooling, vectors.shape[1]),
    )
    _compare(found, classifier, cache, split)
    return found


def _compare(
    known: FeatureAnswers, classifier: predict.Classifier, cache: Cache, split: str
) -> None:
    """Compares the answers with the graph's to some pictures, evenly spaced."""
    entries, probabilities = cache.of_split(split), known.probabilities()
    allowed = max(TOLERANCE, known.head.rounding)
    for row in np.linspace(0, len(entries) - 1, min(CHECKED, len(entries))).astype(int):
        (expected,) = classifier(stack([cache.load(entries[row], verify=True).x]))
        difference = float(np.abs(expected - probabilities[row]).max())
        if not difference <= allowed:
            raise ValueError(
                "The exported classifier must answer as its head does on the backbone's features, "
                f"within {allowed:g}. Received: a difference of {difference:g} for "
                f"{entries[row].source}. Delete {cache.folder / features.FILE} and run the steps "
                "stage2 and report again."
            )
