"""The answers of a run's linear head to held-out pictures, from features that are kept."""

import numpy as np

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
TOLERANCE = 1e-4  # largest difference of a probability


def answers_of(
    run: PictureRun, classifier: predict.Classifier, cache: Cache, split: str
) -> FeatureAnswers | None:
    """Returns the answers to one split; None where the classifier is a network of its own.

    Args:
        run: The step `stage2` is finished.
        classifier: That of the run.
        cache: The run's.
        split: With one picture at least.

    Raises:
        ValueError: the exported graph answers otherwise.
    """
    folder, linear = run.run_dir / "stage2", run.classifier.linear
    if linear is None or not (folder / head.EXPORTED).is_file():
        return None
    backbone, entries = find_backbone(run), cache.of_split(split)
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
    _compare(found.probabilities(), classifier, cache, split)
    return found


def _compare(
    probabilities: np.ndarray, classifier: predict.Classifier, cache: Cache, split: str
) -> None:
    """Compares the answers with the graph's to some pictures, evenly spaced."""
    entries = cache.of_split(split)
    for row in np.linspace(0, len(entries) - 1, min(CHECKED, len(entries))).astype(int):
        (expected,) = classifier(stack([cache.load(entries[row], verify=True).x]))
        difference = float(np.abs(expected - probabilities[row]).max())
        if not difference <= TOLERANCE:
            raise ValueError(
                "The exported classifier must answer as its head does on the backbone's features, "
                f"within {TOLERANCE:g}. Received: a difference of {difference:g} for "
                f"{entries[row].source}. Delete {cache.folder / features.FILE} and run the steps "
                "stage2 and report again."
            )
