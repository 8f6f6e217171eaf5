"""`classifier.keras` into `classifier.onnx` with its sidecar `classifier.json`.

The batch dimension is free. The graph must answer as Keras does: the largest difference seen is
written down, and too large a one is an error.
"""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from artifacts import atomic, manifest
from cache.planes import Recipe
from runtime import graph

GRAPH, SIDECAR = "classifier.onnx", "classifier.json"
_OPSET = 17


def export(
    out: Path,
    *,
    recipe: Recipe,
    classes: tuple[str, ...],
    tensors: np.ndarray,
    tolerance: float = 1e-5,
) -> float:
    """Writes `out/classifier.onnx` and `out/classifier.json` from `out/classifier.keras`.

    Args:
        out: The folder that `fit` wrote.
        recipe: What the planes are; goes into the sidecar.
        classes: Activities in the order of the outputs.
        tensors: `(N, H, W, C)` uint8, N >= 1: real planes, on which Keras and the graph are
            compared, all at once and the first alone.
        tolerance: Largest difference of a probability that is accepted.

    Returns:
        The largest difference seen.

    Raises:
        ValueError: the difference is larger than `tolerance`; nothing is written then.
    """
    network: Any = keras.models.load_model(out / "classifier.keras", compile=False)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / GRAPH
        _convert(network, path)
        parity = _compare(network, path, tensors)
        if parity > tolerance:
            raise ValueError(
                f"The exported graph must answer as Keras does, within {tolerance:g}. "
                f"Received: a difference of {parity:g}. Try another version of tf2onnx."
            )
        atomic.write_bytes(out / GRAPH, path.read_bytes())
    atomic.write_json(
        out / SIDECAR,
        {
            "classes": list(classes),
            "recipe": recipe.as_json(),
            "sha256": manifest.sha256_file(out / GRAPH),
            "keras_sha256": manifest.sha256_file(out / "classifier.keras"),
            "parity": parity,
        },
    )
    return parity


def _convert(network: keras.Model, path: Path) -> None:
    """Converts by way of a SavedModel.

    Straight from a function, the constants of Keras' Normalization would become inputs of the
    graph, which nobody could fill.
    """
    from tf2onnx import tf_loader
    from tf2onnx.convert import from_graph_def

    with tempfile.TemporaryDirectory(prefix="pose-activity-") as folder:
        network.export(folder, format="tf_saved_model", verbose=False)
        graph_def, inputs, outputs = tf_loader.from_saved_model(
            folder, None, None, "serve", ["serving_default"]
        )
        names = {"input_names": inputs, "output_names": outputs}
        from_graph_def(graph_def, **names, opset=_OPSET, output_path=str(path))


def _compare(network: keras.Model, path: Path, tensors: np.ndarray) -> float:
    planes = tensors.astype(np.float32)
    expected = network.predict_on_batch(planes)
    run = graph.load(path, engine="onnxruntime", threads=1)
    return max(
        float(np.abs(run(batch)[0] - answer).max())
        for batch, answer in ((planes, expected), (planes[:1], expected[:1]))
    )
