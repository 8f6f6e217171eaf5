"""A Keras network as a LiteRT file (`.tflite`), for phones: float32, a batch of one.

The file is asked about real tensors before it is written, and must answer as Keras does. Knows
nothing of what a tensor shows.
"""

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pose_activity.artifacts import atomic
from pose_activity.artifacts.commands import install


def write(
    network: keras.Model, path: Path, tensors: np.ndarray, *, tolerance: float = 1e-4
) -> float:
    """Writes a network of one input and one output.

    Args:
        network: Its input has a known size.
        path: Of the file.
        tensors: `(N, ...)`, N >= 1: real ones, on which both are compared, one by one.
        tolerance: Largest difference of an output that is accepted.

    Returns:
        The largest difference seen.

    Raises:
        ModuleNotFoundError: ai-edge-litert is not installed.
        ValueError: the difference is larger than `tolerance`; nothing is written then.
    """
    run = _import_interpreter()
    data = _convert(network)
    parity = 0.0
    for tensor in tensors.astype(np.float32):
        expected = np.asarray(network.predict_on_batch(tensor[None]))
        parity = max(parity, float(np.abs(_answer(run, data, tensor[None]) - expected).max()))
    if not parity <= tolerance:
        raise ValueError(
            f"The LiteRT file must answer as Keras does, within {tolerance:g}. "
            f"Received: a difference of {parity:g}. Try another version of TensorFlow."
        )
    atomic.write_bytes(path, data)
    return parity


def _convert(network: keras.Model) -> bytes:
    # By way of a SavedModel: straight from a function, weights would stay variables outside.
    name, shape = network.inputs[0].name, network.inputs[0].shape[1:]
    signature = [keras.InputSpec(shape=(1, *shape), dtype="float32", name=name)]
    with tempfile.TemporaryDirectory(prefix="pose-activity-") as folder:
        network.export(folder, format="tf_saved_model", verbose=False, input_signature=signature)
        lite: Any = tf.lite
        return lite.TFLiteConverter.from_saved_model(folder).convert()


def _answer(interpreter: Any, data: bytes, batch: np.ndarray) -> np.ndarray:
    run = interpreter(model_content=data)
    run.allocate_tensors()
    run.set_tensor(run.get_input_details()[0]["index"], batch)
    run.invoke()
    return run.get_tensor(run.get_output_details()[0]["index"])


def _import_interpreter() -> Any:
    try:
        return import_module("ai_edge_litert.interpreter").Interpreter
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"LiteRT files are compared by the package ai-edge-litert: {install('phone')}"
        ) from None
