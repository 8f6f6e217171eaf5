"""Planes in, probabilities out, from `classifier.onnx`: no TensorFlow, no Keras, no torch."""

from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.cache.planes import Recipe
from pose_activity.cache.record import Input, as_float, as_input, by_name
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier import sidecar

GRAPH, SIDECAR = sidecar.GRAPH, sidecar.SIDECAR


class Classifier(sidecar.Exported[Recipe]):
    """An exported classifier of pictures; its attributes stand in `sidecar.Exported`."""

    def __call__(self, planes: Input) -> np.ndarray:
        """Classifies a batch.

        Args:
            planes: uint8, made by `cache.planes.make_arrays` with `recipe`: `(N, H, W, C)`, or an
                array by each name of a recipe with two views; N may be 0.

        Returns:
            `(N, classes)` float32, calibrated; a row sums to 1.

        Raises:
            ValueError: another name, shape or dtype.
        """
        batch = self._checked(planes)
        if not len(next(iter(by_name(batch).values()))):
            return np.zeros((0, len(self.classes)), np.float32)
        return calibrate.apply(self.graph(as_float(batch))[0], self.temperature)

    def explain(self, planes: Input) -> tuple[np.ndarray, Input]:
        """Classifies a batch and shows where the answers come from.

        Args:
            planes: As for a call.

        Returns:
            The probabilities, as from a call, and `(N, h, w)` float32 class activation maps of the
            most probable classes, by name one per view where there are two: about 1/32 of the
            planes' size and covering all of them. Higher speaks more for the class; below 0 speaks
            against it.

        Raises:
            ValueError: another name, shape or dtype, or the graph is of a version without maps.
        """
        if not self.has_maps:
            raise ValueError(
                f"An explanation needs a graph with the output 'activation_map'. Received: "
                f"{self.graph.path}, made by an older version. Delete its manifest.json and run "
                "the stage2 step again: it exports anew, without training."
            )
        probabilities, *maps = self.graph(as_float(self._checked(planes)))
        named = dict(zip(self.recipe.views, maps, strict=True))
        return calibrate.apply(probabilities, self.temperature), as_input(named)

    @property
    def has_maps(self) -> bool:
        """Whether the graph says where it looked: in each view."""
        return len(self.graph.output_shapes) == 1 + len(self.recipe.views)

    def _checked(self, planes: Input) -> Input:
        specs, batch = self.recipe.arrays, by_name(planes)
        if batch.keys() != specs.keys():
            raise ValueError(
                f"planes must be arrays by the names {[*specs]}. Received: {[*batch]}. Make them "
                "with this model's recipe."
            )
        for name, spec in specs.items():
            array, which = batch[name], f" {name!r}" if len(specs) > 1 else ""
            if array.dtype != spec.dtype or array.shape[1:] != spec.shape:
                raise ValueError(
                    f"planes{which} must be {spec.dtype} (N, {', '.join(map(str, spec.shape))}). "
                    f"Received: {array.dtype} {array.shape}. Make them with this model's recipe."
                )
        if len({len(array) for array in batch.values()}) > 1:
            lengths = {name: len(array) for name, array in batch.items()}
            raise ValueError(f"planes must be as many of each name. Received: {lengths}")
        return as_input(batch)


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
