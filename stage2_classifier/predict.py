"""Planes in, probabilities out, from `classifier.onnx`: no TensorFlow, no Keras, no torch."""

import json
from pathlib import Path

import numpy as np

from artifacts import manifest
from cache.planes import Recipe
from runtime import graph

GRAPH, SIDECAR = "classifier.onnx", "classifier.json"


class Classifier:
    """An exported classifier.

    Attributes:
        classes: Activities in the order of the outputs.
        recipe: What its planes must be.
        sha256: Of the graph file.
    """

    def __init__(
        self, run: graph.Graph, *, classes: tuple[str, ...], recipe: Recipe, sha256: str
    ) -> None:
        self.classes = classes
        self.recipe = recipe
        self.sha256 = sha256
        self._run = run

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """Classifies a batch.

        Args:
            planes: `(N, H, W, C)` uint8, made by `cache.planes.make` with `recipe`; N may be 0.

        Returns:
            `(N, classes)` float32; a row sums to 1.

        Raises:
            ValueError: another shape or dtype.
        """
        shape = (self.recipe.height, self.recipe.width, self.recipe.channels)
        if planes.dtype != np.uint8 or planes.ndim != 4 or planes.shape[1:] != shape:
            raise ValueError(
                f"planes must be uint8 (N, {', '.join(map(str, shape))}). "
                f"Received: {planes.dtype} {planes.shape}. Make them with this model's recipe."
            )
        if not len(planes):
            return np.zeros((0, len(self.classes)), np.float32)
        return self._run(planes.astype(np.float32))[0]


def load(folder: Path, *, engine: str = "auto", threads: int | None = None) -> Classifier:
    """Loads what `export` wrote.

    Args:
        folder: Holds `classifier.onnx` and `classifier.json`.
        engine: "auto", "onnxruntime" or "openvino"; see `runtime.graph.load`.
        threads: Of the engine; None leaves the choice to it.

    Returns:
        The classifier.

    Raises:
        FileNotFoundError: one of the files is missing.
        ValueError: the sidecar belongs to another graph, or is damaged.
    """
    for name in (GRAPH, SIDECAR):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name} is missing. Train the run first: python train.py stage2"
            )
    try:
        sidecar = json.loads((folder / SIDECAR).read_text())
        classes, recipe = tuple(sidecar["classes"]), Recipe.from_json(sidecar["recipe"])
        expected = sidecar["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder / SIDECAR} is damaged ({error!r}). Run the stage2 step again."
        ) from None
    sha256 = manifest.sha256_file(folder / GRAPH)
    if sha256 != expected:
        raise ValueError(
            f"{folder / GRAPH} is not the graph that {SIDECAR} describes (sha256 {sha256[:12]}, "
            f"expected {expected[:12]}). Run the stage2 step again."
        )
    run = graph.load(folder / GRAPH, engine=engine, threads=threads)
    return Classifier(run, classes=classes, recipe=recipe, sha256=sha256)
