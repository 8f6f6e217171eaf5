"""A trained Keras network as an ONNX graph, which must answer as Keras does on real tensors."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.artifacts import atomic
from pose_activity.cache.record import Input, as_float, as_input, by_name
from pose_activity.runtime import graph
from pose_activity.runtime.canonical import canonical

_OPSET = 17


def write(
    path: Path,
    network: keras.Model,
    *,
    outputs: Sequence[str],
    reference: keras.Model,
    tensors: Input,
    tolerance: float,
) -> float:
    """Writes the graph, if it answers as it should.

    Args:
        path: The file; written whole or not at all.
        network: With the outputs that the graph is to have.
        outputs: Their names.
        reference: Answers as the first outputs must.
        tensors: `(N, ...)`, N >= 1, by name where there are several inputs; real ones, on which
            both are compared, all at once and the first alone.
        tolerance: Largest difference that is accepted.

    Returns:
        The largest difference seen; of values above 1 relative to the largest one.

    Raises:
        ValueError: it is larger than `tolerance`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / path.name
        convert(network, made, outputs)
        parity = _compare(reference, made, tensors)
        if not parity <= tolerance:
            raise ValueError(
                f"The exported graph must answer as Keras does, within {tolerance:g}. "
                f"Received: a difference of {parity:g}. Try another version of tf2onnx."
            )
        atomic.write_bytes(path, made.read_bytes())
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
