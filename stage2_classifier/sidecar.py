"""What stands beside an exported classifier, and the graph that it vouches for.

`classifier.json` says what `classifier.onnx` takes ("kind", "recipe"), answers ("classes") and how
its probabilities are calibrated. Knows of a recipe only what all of them say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import numpy as np

from pose_activity.artifacts import atomic, manifest
from pose_activity.cache.recipes import AnyRecipe, recipe_of
from pose_activity.cache.record import Y
from pose_activity.runtime import described, graph
from pose_activity.runtime.calibrate import Calibration

GRAPH, SIDECAR = "classifier.onnx", "classifier.json"
Recipe = TypeVar("Recipe", bound=AnyRecipe)


@dataclass(frozen=True)
class Sidecar(Generic[Recipe]):
    """What a sidecar says.

    Attributes:
        classes: In the order of the outputs.
        recipe: What the tensors are.
        sha256: Of the graph.
        calibration: `temperature`, `unknown_below`, `unknown_coverage`, `of_clips` and
            `least_seen`; see `Exported`.
    """

    classes: tuple[str, ...]
    recipe: Recipe
    sha256: str
    calibration: dict[str, Any]


class Exported(Generic[Recipe]):
    """An exported classifier of any kind.

    Attributes:
        graph: The loaded graph.
        classes: In the order of the outputs.
        recipe: What its tensors must be.
        sha256: Of the graph file.
        temperature: What its probabilities are calibrated by; 1.0 changes nothing.
        unknown_below: Answers of a smaller probability are better called unknown: from there on
            they were right often enough on validation tensors, or as many of them as are to be
            answered (`stage2.unknown_precision`, `stage2.unknown_min_coverage`). None where no
            threshold was, or was not fitted. Answers are given all the same: whoever shows them
            decides.
        unknown_coverage: Share of the validation tensors that keep an answer then, or None.
        of_clips: Where answers are means over the windows of a clip: how these are calibrated, on
            top of `temperature`. Without (pictures, and older sidecars) means are taken as they are
            and `unknown_below` stands for them too.
        least_seen: Share of a window's frames in which a person must have been seen, or None.
    """

    def __init__(
        self,
        run: graph.Graph,
        *,
        classes: tuple[str, ...],
        recipe: Recipe,
        sha256: str,
        temperature: float = 1.0,
        unknown_below: float | None = None,
        unknown_coverage: float | None = None,
        of_clips: Calibration | None = None,
        least_seen: float | None = None,
    ) -> None:
        self.graph = run
        self.classes = classes
        self.recipe = recipe
        self.sha256 = sha256
        self.temperature = temperature
        self.unknown_below = unknown_below
        self.unknown_coverage = unknown_coverage
        self.of_clips = of_clips or Calibration(1.0, unknown_below, unknown_coverage)
        self.least_seen = least_seen

    @classmethod
    def described_by(cls, about: Sidecar[Recipe], run: graph.Graph) -> Self:
        """Builds it of a sidecar and the graph that this describes."""
        return cls(
            run,
            classes=about.classes,
            recipe=about.recipe,
            sha256=about.sha256,
            **about.calibration,
        )


def write(
    folder: Path, about: Mapping[str, Any], *, parity: float, calibration: Mapping[str, Any]
) -> None:
    """Writes the sidecar of the graph that is in `folder`.

    Args:
        folder: Holds the graph.
        about: "classes", "recipe", and what else is to be said.
        parity: Largest difference of the graph from what it was made of, on real tensors.
        calibration: See `Exported`.
    """
    digest = {"sha256": manifest.sha256_file(folder / GRAPH)}
    atomic.write_json(folder / SIDECAR, {**about, **digest, "parity": parity, **calibration})


def kind_of(folder: Path) -> str:
    """Returns what an exported classifier looks at: the `KIND` of its recipe.

    Raises:
        FileNotFoundError: the sidecar is missing, or the graph beside it.
        ValueError: it is damaged.
    """
    return _read(folder).recipe.KIND


def read(folder: Path, recipe: type[Recipe]) -> Sidecar[Recipe]:
    """Reads a sidecar.

    Args:
        folder: Holds it and the graph.
        recipe: Of what kind the classifier's must be.

    Raises:
        FileNotFoundError: it is missing, or the graph beside it.
        ValueError: it is damaged, or of another kind.
    """
    found = _read(folder)
    if not isinstance(found.recipe, recipe):
        raise ValueError(
            f"{folder} must hold a classifier of {recipe.KIND}s. Received: one of "
            f"{found.recipe.KIND}s."
        )
    return found


def open_graph(
    folder: Path,
    sidecar: Sidecar,
    *,
    answers: tuple[int, ...],
    engine: str,
    precision: str,
    threads: int | None,
    streams: int,
) -> graph.Graph:
    """Loads the graph that a sidecar describes; see `runtime.described.open_graph`.

    Args:
        folder: Holds it.
        sidecar: What it must be; its recipe says what the graph takes.
        answers: Shape of what the first output says of one.
        engine: See `runtime.graph.load`.
        precision: See `runtime.graph.load`.
        threads: See `runtime.graph.load`.
        streams: See `runtime.graph.load`.
    """
    return described.open_graph(
        folder / GRAPH,
        folder / SIDECAR,
        sha256=sidecar.sha256,
        takes={name: spec.shape for name, spec in sidecar.recipe.arrays.items() if name != Y},
        answers=answers,
        engine=engine,
        precision=precision,
        threads=threads,
        streams=streams,
    )


def _read(folder: Path) -> Sidecar[Any]:
    values = described.read(folder / GRAPH, folder / SIDECAR)
    try:
        recipe = recipe_of(values["recipe"])
        if values.get("kind", recipe.KIND) != recipe.KIND:
            raise ValueError(f"kind {values['kind']!r}")
        return Sidecar(tuple(values["classes"]), recipe, values["sha256"], _calibration(values))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise described.damaged(folder / SIDECAR, error) from None


def _calibration(values: dict[str, Any]) -> dict[str, Any]:
    """Returns what a sidecar says of calibration; those of older versions say nothing."""
    temperature = float(values.get("temperature", 1.0))
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature must be positive. Received: {temperature}")
    names = ("unknown_below", "unknown_coverage", "least_seen")
    clips = values.get("of_clips")
    return {
        "temperature": temperature,
        **{name: values.get(name) for name in names},
        "of_clips": None if clips is None else Calibration(**clips),
    }
