"""A trained Keras network into classifier.onnx and classifier.json, checked before it is written.

On real tensors the graph must answer as Keras does. How its probabilities are calibrated, and below
which one an answer is better called unknown, stands in the sidecar, fitted on validation tensors.
Knows nothing of what a tensor shows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.artifacts import manifest
from pose_activity.cache.record import Input, as_float, as_input, by_name
from pose_activity.learning import onnx_export
from pose_activity.learning.loop import CLASSIFIER
from pose_activity.runtime import calibrate, graph
from pose_activity.stage2_classifier import sidecar
from pose_activity.stage2_classifier.sidecar import GRAPH

Answers = Iterable[tuple[Input, int]]  # tensor, or tensors by name, and class id
Calibrate = Callable[[np.ndarray, np.ndarray], Mapping[str, Any]]


def write(
    out: Path,
    network: keras.Model,
    *,
    outputs: Sequence[str],
    reference: keras.Model,
    about: Mapping[str, Any],
    tensors: Input,
    validation: Answers,
    unknown_precision: float,
    unknown_min_coverage: float,
    threads: int,
    tolerance: float,
    calibrate_more: Calibrate = lambda answers, labels: {},
) -> float:
    """Writes `out/classifier.onnx` and `out/classifier.json`.

    Args:
        out: The folder of a finished training.
        network: See `onnx_export.write`; its probabilities come first.
        outputs: See there.
        reference: See there.
        about: What the sidecar says besides; with "classes".
        tensors: See `onnx_export.write`.
        validation: Tensor and class id, read once; without any, the temperature is 1 and nothing is
            unknown.
        unknown_precision: See `calibrate.threshold`.
        unknown_min_coverage: Likewise.
        threads: CPU threads for the validation tensors.
        tolerance: See `onnx_export.write`.
        calibrate_more: Given the calibrated answers to all validation tensors `(N, C)` and their
            class ids `(N,)`; returns what the sidecar says besides of how answers are calibrated.

    Returns:
        The largest difference seen.

    Raises:
        ValueError: it is larger than `tolerance`; nothing is written then.
    """
    parity = onnx_export.write(
        out / GRAPH,
        network,
        outputs=outputs,
        reference=reference,
        tensors=tensors,
        tolerance=tolerance,
    )
    answers, labels = _answers(out / GRAPH, len(about["classes"]), validation, threads)
    fitted = calibrate.fit(
        answers, labels, precision=unknown_precision, min_coverage=unknown_min_coverage
    )
    more = calibrate_more(calibrate.apply(answers, fitted.temperature), labels)
    about = {**about, "keras_sha256": manifest.sha256_file(out / CLASSIFIER)}
    sidecar.write(out, about, parity=parity, calibration={**asdict(fitted), **more})
    return parity


def _answers(
    path: Path, classes: int, validation: Answers, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the graph's `(N, classes)` float32 answers, and the `(N,)` class ids."""
    run = graph.load(path, engine="onnxruntime", threads=threads)
    rows = [(run(_batch_of_one(tensor))[0][0], label) for tensor, label in validation]
    answers = np.array([row for row, _ in rows], np.float32).reshape(-1, classes)
    return answers, np.array([label for _, label in rows], int)


def _batch_of_one(tensor: Input) -> Input:
    return as_float(as_input({name: array[None] for name, array in by_name(tensor).items()}))
