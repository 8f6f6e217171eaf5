"""A trained classifier of sequences into `classifier.onnx` with its sidecar `classifier.json`.

The graph takes float32 `(B, *recipe.shape)` (maps in 0..255) and has two outputs: `probabilities`
`(B, classes)`, and `embedding` `(B, D)`, the vector before the head, by which people are compared
that it was not trained on. Both must be what Keras answers.
"""

from collections.abc import Hashable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.learning import loop
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier import export_graph
from pose_activity.stage2_classifier.models.sequences import registry
from pose_activity.stage2_classifier.options import UnknownAnswers
from pose_activity.stage2_classifier.predict_sequences import by_clip

OUTPUTS = ("probabilities", "embedding")


def export(
    out: Path,
    *,
    recipe: SequenceRecipe,
    classes: tuple[str, ...],
    tensors: np.ndarray,
    validation: export_graph.Answers = (),
    clips: Sequence[Hashable] | None = None,
    least_seen: float | None = None,
    unknown_precision: float = UnknownAnswers.unknown_precision,
    unknown_min_coverage: float = UnknownAnswers.unknown_min_coverage,
    threads: int = 1,
    tolerance: float = 1e-4,
) -> float:
    """Writes `out/classifier.onnx` and `out/classifier.json` from `out/classifier.keras`.

    Args:
        out: The folder that `fit_sequences.fit` wrote.
        recipe: What the tensors are; goes into the sidecar.
        classes: In the order of the outputs.
        tensors: `(N, *recipe.shape)`, N >= 1: real ones, on which Keras and the graph are compared.
        validation: Tensor and class id of each validation window, read once; see
            `export_graph.write`.
        clips: Which clip each of them is a window of: an answer is the mean over these, and is
            calibrated on such means; the windows are, on themselves. None: clips have one window.
        least_seen: See `sidecar.Exported`.
        unknown_precision: Share of right answers that the threshold is to give; see
            `calibrate.threshold`.
        unknown_min_coverage: Share of the answers that are given in any case.
        threads: CPU threads for those answers.
        tolerance: Largest difference that is accepted, of a probability or an embedding's value.

    Returns:
        The largest difference seen.

    Raises:
        ValueError: the difference is larger than `tolerance`; nothing is written then.
    """

    def calibrate_clips(windows: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
        if clips is None:
            return {}
        answers = by_clip(windows, clips)
        first = [clips.index(clip) for clip in answers]
        means = np.array([*answers.values()], np.float32).reshape(-1, len(classes))
        fitted = calibrate.fit(
            means,
            labels[first],
            precision=unknown_precision,
            min_coverage=unknown_min_coverage,
        )
        return {"of_clips": asdict(fitted)}

    registry.load_layers(loop.asked_of(out)["model"])
    network: Any = keras.models.load_model(out / loop.CLASSIFIER, compile=False)
    both = keras.Model(network.input, [network.output, network.get_layer("embedding").output])
    return export_graph.write(
        out,
        both,
        outputs=OUTPUTS,
        reference=both,
        about={
            "kind": "sequence",
            "classes": list(classes),
            "recipe": recipe.as_json(),
            "least_seen": least_seen,
        },
        tensors=tensors,
        validation=validation,
        unknown_precision=unknown_precision,
        unknown_min_coverage=unknown_min_coverage,
        threads=threads,
        tolerance=tolerance,
        calibrate_more=calibrate_clips,
    )
