"""Planes in, probabilities out, from `classifier.onnx`: no TensorFlow, no Keras, no torch."""

from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.cache.planes import Recipe
from pose_activity.stage2_classifier import calibrate, sidecar

GRAPH, SIDECAR = sidecar.GRAPH, sidecar.SIDECAR


class Classifier(sidecar.Exported[Recipe]):
    """An exported classifier of pictures; its attributes stand in `sidecar.Exported`."""

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """Classifies a batch.

        Args:
            planes: `(N, H, W, C)` uint8, made by `cache.planes.make` with `recipe`; N may be 0.

        Returns:
            `(N, classes)` float32, calibrated; a row sums to 1.

        Raises:
            ValueError: another shape or dtype.
        """
        if not len(self._checked(planes)):
            return np.zeros((0, len(self.classes)), np.float32)
        return calibrate.apply(self.graph(planes.astype(np.float32))[0], self.temperature)

    def explain(self, planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classifies a batch and shows where the answers come from.

        Args:
            planes: As for a call.

        Returns:
            The probabilities, as from a call, and `(N, h, w)` float32 class activation maps of the
            most probable classes, about 1/32 of the planes' size and covering all of them. Higher
            speaks more for the class; below 0 speaks against it.

        Raises:
            ValueError: another shape or dtype, or the graph is of a version without maps.
        """
        outputs = self.graph(self._checked(planes).astype(np.float32))
        if len(outputs) < 2:
            raise ValueError(
                f"An explanation needs a graph with the output 'activation_map'. Received: "
                f"{self.graph.path}, made by an older version. Delete its manifest.json and run "
                "the stage2 step again: it exports anew, without training."
            )
        return calibrate.apply(outputs[0], self.temperature), outputs[1]

    def _checked(self, planes: np.ndarray) -> np.ndarray:
        shape = (self.recipe.height, self.recipe.width, self.recipe.channels)
        if planes.dtype != np.uint8 or planes.ndim != 4 or planes.shape[1:] != shape:
            raise ValueError(
                f"planes must be uint8 (N, {', '.join(map(str, shape))}). "
                f"Received: {planes.dtype} {planes.shape}. Make them with this model's recipe."
            )
        return planes


def load(
    folder: Path,
    *,
    engine: str = "auto",
    precision: str = "f32",
    threads: int | None = None,
    streams: int = 1,
) -> Classifier:
    """Loads what `export` wrote.

    Args:
        folder: Holds `classifier.onnx` and `classifier.json`.
        engine: See `runtime.graph.load`.
        precision: See `runtime.graph.load`.
        threads: See `runtime.graph.load`.
        streams: See `runtime.graph.load`.

    Returns:
        The classifier.

    Raises:
        FileNotFoundError: one of the files is missing.
        ValueError: the sidecar belongs to another graph, or is damaged; or the graph has another
            number of classes, or takes planes of another size.
    """
    about = sidecar.read(folder, Recipe)
    run = sidecar.open_graph(
        folder,
        about,
        takes=about.recipe.shape,
        answers=(len(about.classes),),
        engine=engine,
        precision=precision,
        threads=threads,
        streams=streams,
    )
    return Classifier.described_by(about, run)


def read_sidecar(folder: Path) -> tuple[tuple[str, ...], Recipe, str, dict[str, Any]]:
    """Returns what classifier.json says: classes, recipe, the graph's sha256, calibration.

    Raises:
        FileNotFoundError: it is missing, or the graph beside it.
        ValueError: it is damaged, or that of a classifier of sequences.
    """
    about = sidecar.read(folder, Recipe)
    return about.classes, about.recipe, about.sha256, about.calibration
