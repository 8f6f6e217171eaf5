"""An exported graph and the JSON file beside it that says what the graph is.

Whoever predicts reads the description first and opens the graph only where digest and shapes are
those described. What else a description says is its reader's to know.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pose_activity.artifacts import manifest
from pose_activity.artifacts.commands import command
from pose_activity.runtime import graph

_AGAIN = "Run the stage2 step again."


def read(path: Path, sidecar: Path) -> dict[str, Any]:
    """Returns what `sidecar` says of the graph `path`.

    Raises:
        FileNotFoundError: one of the files is missing.
        ValueError: the sidecar is damaged.
    """
    for file in (path, sidecar):
        if not file.is_file():
            again = command("train", "stage2")
            raise FileNotFoundError(f"{file} is missing. Train the run first: {again}")
    try:
        return dict(json.loads(sidecar.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise damaged(sidecar, error) from None


def damaged(sidecar: Path, error: Exception) -> ValueError:
    """Returns what is raised where a description does not say what it must."""
    return ValueError(f"{sidecar} is damaged ({error!r}). {_AGAIN}")


def open_graph(
    path: Path,
    sidecar: Path,
    *,
    sha256: str,
    takes: Mapping[str, tuple[int, ...]],
    answers: tuple[int, ...],
    engine: str,
    precision: str,
    threads: int | None,
    streams: int,
) -> graph.Graph:
    """Loads a graph after comparing its digest and its shapes.

    Args:
        path: The graph.
        sidecar: What describes it; named in errors.
        sha256: Of the described graph.
        takes: Shape of one tensor by the name of its input; where there is one, its name may be
            another, since each exporter names it otherwise.
        answers: Shape of what the first output says of one.
        engine: See `runtime.graph.load`.
        precision: See `runtime.graph.load`.
        threads: See `runtime.graph.load`.
        streams: See `runtime.graph.load`.

    Raises:
        ValueError: the sidecar describes another graph; or the graph takes tensors, or gives
            answers, of another shape, or several of other names.
    """
    found = manifest.sha256_file(path)
    if found != sha256:
        raise ValueError(
            f"{path} is not the graph that {sidecar.name} describes (sha256 {found[:12]}, "
            f"expected {sha256[:12]}). {_AGAIN}"
        )
    run = graph.load(path, engine=engine, precision=precision, threads=threads, streams=streams)
    wanted, given = _named(takes), run.output_shapes[0][1:]
    taken = _named({name: shape[1:] for name, shape in run.inputs.items()})
    if (taken, given) != (wanted, answers):
        raise ValueError(
            f"{run.path} does not fit {sidecar.name}. It must take tensors of {wanted} and answer "
            f"with arrays of {answers}. Received: a graph that takes {taken} and answers with "
            f"{given}. {_AGAIN}"
        )
    return run


def _named(shapes: Mapping[str, graph.Shape]) -> graph.Shape | Mapping[str, graph.Shape]:
    """Returns shapes by name; of one array its shape alone."""
    return next(iter(shapes.values())) if len(shapes) == 1 else shapes
