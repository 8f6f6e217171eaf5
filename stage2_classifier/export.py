"""`classifier.keras` into `classifier.onnx` with its sidecar `classifier.json`.

The batch dimension is free. The graph's outputs are `probabilities` and `activation_map` (see
`models.activation_map`). It must answer as Keras does: the largest difference of a probability is
written down, and too large a one is an error. How its probabilities are calibrated, and below which
one an answer is better called unknown, stands in the sidecar, fitted on validation images.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from artifacts import atomic, manifest
from cache.planes import Recipe
from runtime import graph
from stage2_classifier import calibrate
from stage2_classifier.models.activation_map import with_activation_map

GRAPH, SIDECAR = "classifier.onnx", "classifier.json"
OUTPUTS = ("probabilities", "activation_map")
_OPSET = 17


def export(
    out: Path,
    *,
    recipe: Recipe,
    classes: tuple[str, ...],
    tensors: np.ndarray,
    validation: Iterable[tuple[np.ndarray, int]] = (),
    unknown_precision: float = 0.9,
    threads: int = 1,
    tolerance: float = 1e-5,
) -> float:
    """Writes `out/classifier.onnx` and `out/classifier.json` from `out/classifier.keras`.

    Args:
        out: The folder that `fit` wrote.
        recipe: What the planes are; goes into the sidecar.
        classes: Activities in the order of the outputs.
        tensors: `(N, H, W, C)` uint8, N >= 1: real planes, on which Keras and the graph are
            compared, all at once and the first alone.
        validation: `(H, W, C)` uint8 planes and class id of each validation image, read once. The
            temperature and the threshold are fitted on the graph's answers to them; without any,
            the temperature is 1 and nothing is unknown.
        unknown_precision: Share of right answers that the threshold is to give; see
            `calibrate.threshold`.
        threads: CPU threads for those answers.
        tolerance: Largest difference of a probability that is accepted.

    Returns:
        The largest difference seen.

    Raises:
        ValueError: the difference is larger than `tolerance`; nothing is written then.
    """
    network: Any = keras.models.load_model(out / "classifier.keras", compile=False)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / GRAPH
        _convert(with_activation_map(network), path)
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
            **_calibrate(out / GRAPH, len(classes), validation, unknown_precision, threads),
        },
    )
    return parity


def _calibrate(
    path: Path,
    classes: int,
    validation: Iterable[tuple[np.ndarray, int]],
    precision: float,
    threads: int,
) -> dict[str, float | None]:
    run = graph.load(path, engine="onnxruntime", threads=threads)
    rows = [(run(planes[None].astype(np.float32))[0][0], label) for planes, label in validation]
    answers = np.array([row for row, _ in rows], np.float32).reshape(-1, classes)
    labels = np.array([label for _, label in rows], int)
    temperature = calibrate.temperature(answers, labels)
    limit = calibrate.threshold(calibrate.apply(answers, temperature), labels, precision=precision)
    return {
        "temperature": temperature,
        "unknown_below": limit.probability if limit else None,
        "unknown_coverage": limit.coverage if limit else None,
    }


def _convert(network: keras.Model, path: Path) -> None:
    """Converts by way of a SavedModel.

    Straight from a function, the constants of Keras' Normalization would become inputs of the
    graph, which nobody could fill.
    """
    import onnx
    from tf2onnx import tf_loader
    from tf2onnx.convert import from_graph_def

    with tempfile.TemporaryDirectory(prefix="pose-activity-") as folder:
        network.export(folder, format="tf_saved_model", verbose=False)
        graph_def, inputs, outputs = tf_loader.from_saved_model(
            folder, None, None, "serve", ["serving_default"]
        )
        names = {"input_names": inputs, "output_names": outputs}
        model, _ = from_graph_def(graph_def, **names, opset=_OPSET)
    _rename(model.graph, dict(zip(outputs, OUTPUTS, strict=True)))
    onnx.save(model, path)


def _rename(body: Any, names: dict[str, str]) -> None:
    """Gives values of an ONNX graph other names."""
    for node in body.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for output in body.output:
        output.name = names.get(output.name, output.name)


def _compare(network: keras.Model, path: Path, tensors: np.ndarray) -> float:
    planes = tensors.astype(np.float32)
    expected = network.predict_on_batch(planes)
    run = graph.load(path, engine="onnxruntime", threads=1)
    return max(
        float(np.abs(run(batch)[0] - answer).max())
        for batch, answer in ((planes, expected), (planes[:1], expected[:1]))
    )
