"""Pictures in, one `Row` each: both graphs, no torch, no tensorflow.

Training builds its tensors with the same `cache.planes.make`, from the same `Poses`.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotations.images import ImageError, load_rgb
from annotations.types import Poses
from cache.planes import make
from stage1_pose import predict as stage1
from stage2_classifier import predict as stage2

TOP = 3


@dataclass(frozen=True, eq=False)
class Row:
    """The answer for one picture.

    Attributes:
        image: The picture.
        error: Why there is no answer; None when there is one.
        probabilities: `(classes,)` float32 that sum to 1; None on error.
        poses: Who was found; None on error, or where no plane needs poses.
        ranking: The `TOP` most probable (activity, probability), falling; empty on error.
    """

    image: Path
    error: str | None = None
    probabilities: np.ndarray | None = None
    poses: Poses | None = None
    ranking: tuple[tuple[str, float], ...] = ()


class Pipeline:
    """Both stages of a finished run."""

    def __init__(self, run: Path, *, engine: str = "auto", threads: int | None = None) -> None:
        """Loads the two graphs.

        Args:
            run: A run folder with finished stages.
            engine: "auto", "onnxruntime" or "openvino".
            threads: For the graphs; None leaves the choice to the engine.

        Raises:
            FileNotFoundError: the run has no finished stage 1 or 2.
            ValueError: the classifier was trained on another pose graph's answers.
        """
        self.classifier = stage2.load(run / "stage2", engine=engine, threads=threads)
        self.recipe = self.classifier.recipe
        self.pose = None
        if self.recipe.needs_poses:
            drawn = self.recipe.pose
            self.pose = stage1.load(
                run / "stage1",
                engine=engine,
                threads=threads,
                confidence=drawn.confidence,
                iou=drawn.iou,
                max_people=drawn.max_people,
            )
            if (self.pose.sha256, self.pose.size) != (drawn.sha256, drawn.size):
                raise ValueError(
                    f"{run}: the classifier was trained on poses of graph {drawn.sha256[:12]} at "
                    f"{drawn.size} px, but stage1/pose.onnx is {self.pose.sha256[:12]} at "
                    f"{self.pose.size} px. Run the steps cache and stage2 of train.py again."
                )

    def rows(self, images: Sequence[Path], *, batch: int = 8) -> Iterator[Row]:
        """Yields one row per picture, in order; unreadable ones carry their error."""
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(_load, image) for image in images[:batch]]
            for start in range(0, len(images), batch):
                ready = [future.result() for future in waiting]
                ahead = images[start + batch : start + 2 * batch]
                waiting = [pool.submit(_load, image) for image in ahead]
                yield from self._classify(images[start : start + batch], ready)

    def _classify(
        self, images: Sequence[Path], loaded: Sequence[np.ndarray | ImageError]
    ) -> list[Row]:
        readable = [
            (image, pixels)
            for image, pixels in zip(images, loaded, strict=True)
            if isinstance(pixels, np.ndarray)
        ]
        rows = {}
        if readable:
            paths, pixels = zip(*readable, strict=True)
            poses = self.pose(pixels, paths) if self.pose else [None] * len(paths)
            planes = [make(*pair, self.recipe) for pair in zip(pixels, poses, strict=True)]
            probabilities = self.classifier(np.stack(planes))
            rows = {
                path: Row(path, None, values, found, self._rank(values))
                for path, values, found in zip(paths, probabilities, poses, strict=True)
            }
        return [
            rows.get(image) or Row(image, error=str(answer))
            for image, answer in zip(images, loaded, strict=True)
        ]

    def _rank(self, probabilities: np.ndarray) -> tuple[tuple[str, float], ...]:
        best = np.argsort(-probabilities, kind="stable")[:TOP]
        return tuple((self.classifier.classes[i], float(probabilities[i])) for i in best)


def _load(image: Path) -> np.ndarray | ImageError:
    try:
        return load_rgb(image)
    except ImageError as error:
        return error
