"""Windows of clips in, probabilities and embeddings out, from `classifier.onnx`.

Needs numpy and an engine: no TensorFlow, no Keras, no torch.
"""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier import sidecar

Name = TypeVar("Name", bound=Hashable)


class SequenceClassifier(sidecar.Exported[SequenceRecipe]):
    """An exported classifier of sequences; its attributes are those of `sidecar.Exported`."""

    def __call__(self, tensors: np.ndarray) -> np.ndarray:
        """Classifies windows.

        Args:
            tensors: `(N, *recipe.shape)` of `recipe.dtype`, made by `cache.sequence.make` with
                `recipe`; N may be 0.

        Returns:
            `(N, classes)` float32, calibrated; a row sums to 1.

        Raises:
            ValueError: another shape or dtype.
        """
        return calibrate.apply(self._run(tensors)[0], self.temperature)

    def of_clip(self, windows: np.ndarray) -> np.ndarray:
        """Returns a clip's probabilities from all its windows, calibrated as such means are.

        Args:
            windows: `(W, classes)` float32, W >= 1, what a call returned for each.

        Returns:
            `(classes,)` float32; sums to 1.

        Raises:
            ValueError: there are no windows.
        """
        return calibrate.apply(of_clip(windows)[None], self.of_clips.temperature)[0]

    def embed(self, tensors: np.ndarray) -> np.ndarray:
        """Turns windows into vectors that are close together if the same person walks.

        Args:
            tensors: As for a call.

        Returns:
            `(N, D)` float32 of length 1: their products are cosines. A vector of zeros stays one.

        Raises:
            ValueError: another shape or dtype.
        """
        vectors = self._run(tensors)[1]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths > 0, lengths, 1)

    def _run(self, tensors: np.ndarray) -> tuple[np.ndarray, ...]:
        recipe = self.recipe
        if tensors.shape[1:] != recipe.shape or tensors.dtype != recipe.dtype:
            raise ValueError(
                f"tensors must be {recipe.dtype} (N, {', '.join(map(str, recipe.shape))}). "
                f"Received: {tensors.dtype} {tensors.shape}. Make them with this model's recipe."
            )
        if not len(tensors):
            return tuple(
                np.zeros((0, *(n or 0 for n in shape[1:])), np.float32)
                for shape in self.graph.output_shapes
            )
        return self.graph(tensors.astype(np.float32))


def load(
    folder: Path,
    *,
    engine: str = "auto",
    precision: str = "f32",
    threads: int | None = None,
    streams: int = 1,
) -> SequenceClassifier:
    """Loads what `export_sequences.export` wrote.

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
        ValueError: the sidecar is damaged, of a classifier of pictures, or of another graph.
    """
    about = sidecar.read(folder, SequenceRecipe)
    run = sidecar.open_graph(
        folder,
        about,
        answers=(len(about.classes),),
        engine=engine,
        precision=precision,
        threads=threads,
        streams=streams,
    )
    return SequenceClassifier.described_by(about, run)


def of_clip(probabilities: np.ndarray) -> np.ndarray:
    """Returns a clip's probabilities from all its windows: their mean.

    Args:
        probabilities: `(W, classes)` float32, W >= 1.

    Returns:
        `(classes,)` float32; sums to 1.

    Raises:
        ValueError: there are no windows.
    """
    if not len(probabilities):
        raise ValueError("A clip's answer needs at least one window. Received: none.")
    return probabilities.mean(axis=0, dtype=np.float64).astype(np.float32)


def by_clip(windows: np.ndarray, clips: Sequence[Name]) -> dict[Name, np.ndarray]:
    """Returns, by the clips' names in the order of their first windows, what `of_clip` says.

    Args:
        windows: `(N, classes)` float32 probabilities.
        clips: N names, of the clip that each is a window of.
    """
    rows: dict[Name, list[int]] = {}
    for row, clip in enumerate(clips):
        rows.setdefault(clip, []).append(row)
    return {clip: of_clip(windows[of_it]) for clip, of_it in rows.items()}
