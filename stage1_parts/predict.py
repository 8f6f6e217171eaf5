"""Planes in, probabilities of body parts out, from `parts.onnx`: no TensorFlow, Keras or torch."""

from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.cache.recipes import recipe_of
from pose_activity.cache.record import X
from pose_activity.runtime import calibrate, described, graph

GRAPH, SIDECAR = "parts.onnx", "parts.json"


class PartsNetwork:
    """An exported network of body parts; made by `load`.

    Attributes:
        graph: The loaded graph.
        recipe: What its tensors must be, a `PartsRecipe`.
        classes: In the order of the outputs, the background first.
        sha256: Of the graph file.
        temperature: What its probabilities are calibrated by; 1.0 changes nothing.
        weights: `(classes,)` float32: what they are multiplied by where the class of a pixel is
            chosen (see `balance`).
    """

    def __init__(
        self,
        run: graph.Graph,
        *,
        recipe: Any,
        sha256: str,
        temperature: float = 1.0,
        weights: np.ndarray | None = None,
    ) -> None:
        self.graph = run
        self.recipe = recipe
        self.classes: tuple[str, ...] = recipe.scheme.names
        self.sha256 = sha256
        self.temperature = temperature
        self.weights = np.ones(len(self.classes), np.float32) if weights is None else weights

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """Finds the parts in a batch.

        Args:
            planes: `(N, H, W, C)` uint8, made by `cache.parts.make_input` with `recipe`; N may
                be 0.

        Returns:
            `(N, H, W, classes)` float32, calibrated; a pixel's sum to 1.

        Raises:
            ValueError: another shape or dtype.
        """
        spec = self.recipe.arrays[X]
        if planes.dtype != spec.dtype or planes.shape[1:] != spec.shape:
            raise ValueError(
                f"planes must be {spec.dtype} (N, {', '.join(map(str, spec.shape))}). "
                f"Received: {planes.dtype} {planes.shape}. Make them with this model's recipe."
            )
        if not len(planes):
            return np.zeros((0, *spec.shape[:2], len(self.classes)), np.float32)
        (answers,) = self.graph(planes.astype(np.float32))
        return _tempered(answers, self.temperature)


def load(
    folder: Path,
    *,
    engine: str = "auto",
    precision: str = "f32",
    threads: int | None = None,
    streams: int = 1,
) -> PartsNetwork:
    """Loads what `export` wrote.

    Args:
        folder: Holds `parts.onnx` and `parts.json`.
        engine: See `runtime.graph.load`.
        precision: See `runtime.graph.load`.
        threads: See `runtime.graph.load`.
        streams: See `runtime.graph.load`.

    Raises:
        FileNotFoundError: one of the files is missing.
        ValueError: the sidecar is damaged or belongs to another graph, or the graph takes or
            answers with arrays of another shape.
    """
    recipe, sha256, temperature, weights = read_sidecar(folder)
    run = described.open_graph(
        folder / GRAPH,
        folder / SIDECAR,
        sha256=sha256,
        takes={X: recipe.shape},
        answers=(*recipe.shape[:2], len(recipe.scheme)),
        engine=engine,
        precision=precision,
        threads=threads,
        streams=streams,
    )
    return PartsNetwork(run, recipe=recipe, sha256=sha256, temperature=temperature, weights=weights)


def read_sidecar(folder: Path) -> tuple[Any, str, float, np.ndarray]:
    """Returns what parts.json says: the recipe, the graph's sha256, the temperature, the weights.

    Raises:
        FileNotFoundError: it is missing, or the graph beside it.
        ValueError: it is damaged, or of another kind.
    """
    values = described.read(folder / GRAPH, folder / SIDECAR)
    try:
        recipe, temperature = recipe_of(values["recipe"]), float(values["temperature"])
        if recipe.KIND != "parts" or not 0 < temperature < np.inf:
            raise ValueError(f"kind {recipe.KIND!r}, temperature {temperature}")
        weights = np.array(values["weights"], np.float32)
        if weights.shape != (len(recipe.scheme),) or not (0 < weights).all():
            raise ValueError(f"weights {values['weights']}")
        return recipe, str(values["sha256"]), temperature, weights
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise described.damaged(folder / SIDECAR, error) from None


def _tempered(answers: np.ndarray, temperature: float) -> np.ndarray:
    """Calibrates image by image: a batch of large ones would need several times its memory."""
    if temperature == 1:
        return answers
    for answer in answers:
        answer[:] = calibrate.apply(answer.reshape(-1, answer.shape[-1]), temperature).reshape(
            answer.shape
        )
    return answers
