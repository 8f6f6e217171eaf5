"""What the size of stage 1's frame is worth: python benchmarks/frame_sizes.py RUN [--rounds 3].

RUN is a run on photos with labelled joints whose steps `annotations` and `stage1` are finished.
Its pose graph answers every labelled photo at each size: how many people are found, how near their
joints are (PCKh@0.5 and the mean OKS, where somebody who is not found counts 0), and how long one
photo takes on one thread, from pixels to poses. Sizes take turns within a photo, so that what else
the machine does meets them alike; the first photo warms up. `loss` is the PCKh that a size loses
against the largest one, with its 95 % interval: photos were drawn anew a thousand times.
Writes `results/frame_sizes.json`.
"""

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.types import Poses, Sample
from pose_activity.artifacts.atomic import write_json
from pose_activity.stage1_pose import predict
from pose_activity.stage1_pose.evaluate import assign, has_joints, oks_by_name, pckh

SIZES = (640, 512, 448, 384, 320)
RESAMPLES = 1000
OUT = Path(__file__).resolve().parent / "results" / "frame_sizes.json"


@dataclass
class Answers:
    """Of one size: a value per photo, in their order; milliseconds, several per photo."""

    poses: list[Poses] = field(default_factory=list)
    milliseconds: list[list[float]] = field(default_factory=list)


def main(
    run: Annotated[Path, typer.Argument(help="A run with annotations and stage1.")],
    rounds: Annotated[int, typer.Option(help="How often each photo is answered.")] = 3,
    engine: Annotated[str, typer.Option(help="auto, onnxruntime or openvino.")] = "auto",
    out: Annotated[Path, typer.Option(help="The table.")] = OUT,
) -> None:
    """Measure every size, print the table and write it."""
    listed = read_samples(run / "annotations" / "samples.jsonl")
    samples = [sample for sample in listed if (sample.head_sizes > 0).any()]
    if not samples:
        raise typer.BadParameter(f"{run}: no photo has a labelled head, which PCKh is measured in")
    models = {size: load(run / "stage1", size, engine) for size in SIZES}
    found = ask(models, samples, rounds)
    table = {str(size): row(found[size], found[SIZES[0]], samples) for size in SIZES}
    show(table)
    engine_used = models[SIZES[0]].graph.engine
    about = {"engine": engine_used, "load": round(os.getloadavg()[0], 1), "rounds": rounds}
    command = "python benchmarks/frame_sizes.py RUN"
    write_json(out, {"command": command, "photos": len(samples), **about, "sizes": table})


def load(folder: Path, size: int, engine: str) -> predict.PosePredictor:
    """Loads a pose graph, which takes pictures of any size, for one."""
    usual = predict.load(folder, engine=engine, threads=1)
    return predict.PosePredictor(
        usual.graph, skeleton=usual.skeleton, size=size, sha256=usual.sha256
    )


def ask(
    models: dict[int, predict.PosePredictor], samples: Sequence[Sample], rounds: int
) -> dict[int, Answers]:
    """Answers each photo at each size, the sizes in turns."""
    found = {size: Answers() for size in models}
    first = load_rgb(samples[0].image)
    for model in models.values():
        model([first], [samples[0].image])
    order = [*models]
    for sample in samples:
        pixels = load_rgb(sample.image)
        times: dict[int, list[float]] = {size: [] for size in models}
        for turn in range(rounds):
            order = [*order[1:], order[0]]
            for size in order:
                started = time.perf_counter()
                (poses,) = models[size]([pixels], [sample.image])
                times[size].append(1000 * (time.perf_counter() - started))
                if turn == 0:
                    found[size].poses.append(poses)
        for size in models:
            found[size].milliseconds.append(times[size])
    return found


def row(ours: Answers, largest: Answers, samples: Sequence[Sample]) -> dict[str, Any]:
    """Returns the figures of a size."""
    similar = np.concatenate(
        [similarities(*pair) for pair in zip(ours.poses, samples, strict=True)]
    )
    ratios = [
        small / large
        for mine, theirs in zip(ours.milliseconds, largest.milliseconds, strict=True)
        for small, large in zip(mine, theirs, strict=True)
    ]
    hits, before = (
        [hit_counts(*p) for p in zip(a.poses, samples, strict=True)] for a in (ours, largest)
    )
    loss, interval = paired_loss(np.array(before), np.array(hits))
    return {
        "people": len(similar),
        "found": round(float((similar >= 0.5).mean()), 4),
        "oks": round(float(similar.mean()), 4),
        "pckh50": round(pckh(ours.poses, samples)["pckh50"], 4),
        "loss": round(loss, 4),
        "loss_interval": [round(end, 4) for end in interval],
        "milliseconds": round(statistics.median(map(min, ours.milliseconds)), 1),
        "of_the_time_at_the_largest": round(statistics.median(ratios), 3),
    }


def similarities(poses: Poses, sample: Sample) -> np.ndarray:
    """Returns the OKS of each labelled person with the found one that is assigned, 0 for none."""
    similar, partner = oks_by_name(poses, sample), assign(poses, sample)
    each = [similar[i, k] if k >= 0 else 0.0 for i, k in enumerate(partner)]
    return np.array(each)[has_joints(poses, sample)]


def hit_counts(poses: Poses, sample: Sample) -> tuple[float, int]:
    """Returns how many labelled joints of a photo PCKh counts as found, and how many there are."""
    found = pckh([poses], [sample])
    return (found["pckh50"] or 0.0) * found["n_joints"], found["n_joints"]


def paired_loss(before: np.ndarray, after: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Returns by how much a share of hits falls, and its 95 % interval.

    Args:
        before: `(photos, 2)`: hits and joints of each photo.
        after: The same of the other size.
    """
    drawn = np.random.default_rng(0).integers(0, len(before), (RESAMPLES, len(before)))
    joints = before[drawn, 1].sum(1)
    losses = (before[drawn, 0].sum(1) - after[drawn, 0].sum(1)) / joints
    low, high = np.percentile(losses, (2.5, 97.5))
    whole = (before[:, 0].sum() - after[:, 0].sum()) / before[:, 1].sum()
    return float(whole), (float(low), float(high))


def show(table: dict[str, dict[str, Any]]) -> None:
    """Prints the figures."""
    heads = [*next(iter(table.values()))]
    printed = Table("size", *heads)
    for size, figures in table.items():
        printed.add_row(size, *(str(figures[head]) for head in heads))
    Console().print(printed)


if __name__ == "__main__":
    typer.run(main)
