"""A trained Keras network into classifier.onnx and classifier.json, checked before it is written.

On real tensors the graph must answer as Keras does. How its probabilities are calibrated, and below
which one an answer is better called unknown, stands in the sidecar, fitted on validation tensors.
Knows nothing of what a tensor shows.
"""

import logging
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.artifacts import atomic, manifest
from pose_activity.cache.record import Input, as_float, as_input, by_name
from pose_activity.learning.loop import CLASSIFIER
from pose_activity.runtime import graph
from pose_activity.runtime.canonical import canonical
from pose_activity.stage2_classifier import calibrate, sidecar
from pose_activity.stage2_classifier.sidecar import GRAPH

_OPSET = 17

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
        network: With the outputs that the graph is to have, probabilities first.
        outputs: Their names.
        reference: Answers as the first outputs must.
        about: What the sidecar says besides; with "classes".
        tensors: `(N, ...)`, N >= 1, by name where there are several inputs; real ones, on which
            both are compared, all at once and the first alone.
        validation: Tensor and class id, read once; without any, the temperature is 1 and nothing is
            unknown.
        unknown_precision: See `calibrate.threshold`.
        unknown_min_coverage: Likewise.
        threads: CPU threads for the validation tensors.
        tolerance: Largest difference that is accepted.
        calibrate_more: Given the calibrated answers to all validation tensors `(N, C)` and their
            class ids `(N,)`; returns what the sidecar says besides of how answers are calibrated.

    Returns:
        The largest difference seen; of values above 1 relative to the largest one.

    Raises:
        ValueError: it is larger than `tolerance`; nothing is written then.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / GRAPH
        convert(network, path, outputs)
        parity = _compare(reference, path, tensors)
        if not parity <= tolerance:
            raise ValueError(
                f"The exported graph must answer as Keras does, within {tolerance:g}. "
                f"Received: a difference of {parity:g}. Try another version of tf2onnx."
            )
        atomic.write_bytes(out / GRAPH, path.read_bytes())
    answers, labels = _answers(out / GRAPH, len(about["classes"]), validation, threads)
    fitted = calibrate.fit(
        answers, labels, precision=unknown_precision, min_coverage=unknown_min_coverage
    )
    more = calibrate_more(calibrate.apply(answers, fitted.temperature), labels)
    about = {**about, "keras_sha256": manifest.sha256_file(out / CLASSIFIER)}
    sidecar.write(out, about, parity=parity, calibration={**asdict(fitted), **more})
    return parity


def convert(network: keras.Model, path: Path, names: Sequence[str]) -> None:
    """Writes a network as ONNX, with a free batch and these names of its outputs.

    Several inputs keep their names.
    """
    # By way of a SavedModel: straight from a function, the constants of Keras' Normalization would
    # become inputs of the graph, which nobody could fill.
    import onnx
    from tf2onnx import tf_loader
    from tf2onnx.convert import from_graph_def

    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)  # what tf2onnx calls of TensorFlow 1 is not the user's business
    with tempfile.TemporaryDirectory(prefix="pose-activity-") as folder:
        network.export(folder, format="tf_saved_model", verbose=False)
        graph_def, inputs, outputs = tf_loader.from_saved_model(
            folder, None, None, "serve", ["serving_default"]
        )
        model, _ = from_graph_def(graph_def, input_names=inputs, output_names=outputs, opset=_OPSET)
    logger.setLevel(level)
    _rename(model.graph, dict(zip(outputs, names, strict=True)) | _plain(inputs))
    onnx.save(canonical(model), path)  # the same weights give the same sha256


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


def _plain(inputs: Sequence[str]) -> dict[str, str]:
    """Returns what several inputs are to be called: serving_default_NAME:0 becomes NAME."""
    if len(inputs) == 1:
        return {}
    return {name: name.removeprefix("serving_default_").partition(":")[0] for name in inputs}


def _rename(body: Any, names: dict[str, str]) -> None:
    """Gives values of an ONNX graph other names."""
    for node in body.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for end in (*body.input, *body.output):
        end.name = names.get(end.name, end.name)


def _compare(reference: keras.Model, path: Path, tensors: Input) -> float:
    batch = as_float(tensors)
    first = as_input({name: array[:1] for name, array in by_name(batch).items()})
    expected = reference.predict_on_batch(batch)
    expected = expected if isinstance(expected, list) else [expected]
    run = graph.load(path, engine="onnxruntime", threads=1)
    return max(
        float(np.abs(got - wanted[: len(got)]).max() / max(1.0, np.abs(wanted).max()))
        for part in (batch, first)
        for got, wanted in zip(run(part), expected, strict=False)
    )
