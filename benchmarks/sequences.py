"""People in motion: what the sequence classifiers score on the published protocols.

    python benchmarks/sequences.py [--data FOLDER] [--only features] [--seeds 3] [--out FILE.json]

FOLDER holds `sequences/` (its README tells the protocols); without --data it is what
POSE_ACTIVITY_DATA names. Each part measures some keys; the file keeps all the other keys that it
holds, and is written after every part. `mean` is over the seeds, `spread` the best minus the worst.
Printed: each figure beside the floor that it must reach and what simpler models, or others, reach.
"""

import importlib
import json
import statistics
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pose_activity.artifacts.atomic import write_json  # noqa: E402

# Part -> module with `measure(data: Path, seeds: Sequence[int]) -> dict[str, dict]`, imported only
# when it is asked for. A result holds `seeds` (one figure each) and whatever else is worth keeping.
PARTS = {
    "features": "benchmarks.features",
    "actions": "benchmarks.actions",
    "gait": "benchmarks.gait",
}
# Key -> (floor of the mean, what it stands beside).
FLOORS: dict[str, tuple[float, str]] = {
    "kth_within": (0.92, "RBF SVM on pose statistics .79"),
    "kth_across": (0.60, "best simple model .2 to .4"),
    "kth_across_unlabelled": (0.60, "kth_across .590"),
    "jhmdb": (0.82, "RBF SVM .68"),
    "g3d": (0.9487, "logistic regression .9487"),
    "ucf11": (0.7424, "logistic regression .7424"),
}


def main(
    data: Annotated[Path, typer.Option(envvar="POSE_ACTIVITY_DATA", exists=True)],
    only: Annotated[list[str] | None, typer.Option(help=f"Some of: {', '.join(PARTS)}.")] = None,
    seeds: Annotated[int, typer.Option(min=1)] = 3,
    out: Annotated[Path, typer.Option()] = HERE / "results" / "sequences.json",
) -> None:
    """Measures, writes the figures beside those that are there, and prints a table."""
    unknown = sorted({*(only or ())} - {*PARTS})
    if unknown:
        raise typer.BadParameter(f"--only takes some of {[*PARTS]}. Received: {unknown}")
    read(out)  # a file that cannot be added to is told now, not after the work
    measured: dict[str, Any] = {}
    for part in only or PARTS:
        results = importlib.import_module(PARTS[part]).measure(data, range(seeds))
        command = f"python benchmarks/sequences.py --only {part} --seeds {seeds}"
        summed = {key: summary(result, command) for key, result in results.items()}
        measured |= summed
        merge(out, summed)
    Console().print(as_table(measured))


def summary(result: dict[str, Any], command: str) -> dict[str, Any]:
    """Returns a result with mean and spread over its seeds, and the command that repeats it."""
    seeds = result["seeds"]
    figures = {"mean": statistics.fmean(seeds), "spread": max(seeds) - min(seeds)}
    return result | figures | {"command": command}


def merge(out: Path, results: dict[str, Any]) -> None:
    """Writes results into a JSON file; keys that they do not hold stay as they are."""
    write_json(out, read(out) | results)


def read(out: Path) -> dict[str, Any]:
    """Returns the results in a JSON file; none where there is no file."""
    try:
        before = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    except ValueError as error:
        raise typer.BadParameter(f"{out} holds no results ({error}). Mend or move it.") from None
    if not isinstance(before, dict):
        raise typer.BadParameter(f"{out} holds no results. Received: a {type(before).__name__}.")
    return before


def as_table(results: dict[str, Any]) -> Table:
    """Returns one line for each measured key."""
    table = Table("key", "mean", "spread", "must reach", "", "reference")
    for key, result in results.items():
        table.add_row(*_line(key, result, *FLOORS[key]))
        if "cv5_ours" in result:
            held = summary({"seeds": result["cv5_ours_seeds"]}, "")
            beside = result["cv5_reference"], "the reference, 5-fold"
            table.add_row(*_line(f"{key}, 5-fold", held, *beside))
    return table


def _line(key: str, result: dict[str, Any], floor: float, reference: str) -> list[str]:
    reached = "reached" if round(result["mean"], 4) >= round(floor, 4) else "below"
    mean, spread = (f"{result[name]:.4f}" for name in ("mean", "spread"))
    return [key, mean, spread, f"{floor:.4f}", reached, reference]


if __name__ == "__main__":
    typer.run(main)
