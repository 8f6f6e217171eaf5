"""How well the default recipe for photos says `unknown` of activities that it never saw.

    python benchmarks/novelty.py PHOTOS [--weights yolov8n-pose.pt] [--left-out 10]

PHOTOS as for `accuracy.py`. In each round some classes are left out of training, until each was
once; a fifth of the photos of the others is held out. A head is fitted, calibrated and given its
threshold on the rest, as the step `stage2` does it, with mirror images. Written: `auroc` and
`fpr95` of the confidences of the held-out known photos against all of the unknown ones; and at the
threshold `coverage` (known photos that get an answer), `precision` (of these answers), and
`refused` (unknown photos that are called unknown): each by round, and their means. Vectors are kept
in --work, as those of `ablations.py`, whose folder may be named.
"""

import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.heads import deal  # noqa: E402
from benchmarks.looks import (  # noqa: E402
    PERSON,
    PICTURE,
    Photos,
    find_vectors,
    mirrored,
    read_photos,
)
from benchmarks.sequences import merge, read  # noqa: E402
from pose_activity.configs.pictures import Stage2  # noqa: E402
from pose_activity.runtime import calibrate  # noqa: E402
from pose_activity.runtime.progress import progress_bar  # noqa: E402
from pose_activity.stage2_classifier.frozen.fit import fit  # noqa: E402
from pose_activity.stage2_classifier.scores.novelty import measure  # noqa: E402

_FIGURES = ("auroc", "fpr95", "accuracy", "coverage", "precision", "refused")


def main(
    photos: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    weights: Annotated[str, typer.Option(help="Stage 1's.")] = "yolov8n-pose.pt",
    left_out: Annotated[int, typer.Option(min=1, help="Classes of a round.")] = 10,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    work: Annotated[Path, typer.Option(help="Where vectors are kept.")] = Path("runs/ablations"),
    out: Annotated[Path, typer.Option()] = HERE / "results" / "novelty.json",
) -> None:
    """Measures, writes the figures beside those that are there, and prints a table."""
    read(out)  # a file that cannot be added to is refused now, not after the work
    there = read_photos(photos, weights, work, threads)
    looks = (PICTURE, PERSON)
    vectors = find_vectors([*looks, *mirrored(looks)], there, work, threads)
    found = np.array([[len(poses.boxes) > 0] for poses in there.poses], np.float32)
    plain, turned = (
        np.concatenate([*(vectors[look] for look in side), found], axis=1)
        for side in (looks, [*mirrored(looks)])
    )
    order = np.random.default_rng(seed).permutation(len(there.classes))
    parts = [order[i : i + left_out] for i in range(0, len(order), left_out)]
    rounds = []
    with progress_bar("rounds", Console()) as show:
        for done, unknown in enumerate(parts, 1):
            rounds.append(_measure(plain, turned, there, unknown, seed))
            show(done, len(parts), ", ".join(there.classes[i] for i in unknown))
    means = {name: statistics.fmean(one[name] for one in rounds) for name in _FIGURES}
    command = f"python benchmarks/novelty.py PHOTOS --left-out {left_out} --seed {seed}"
    merge(out, {f"{left_out}_left_out": means | {"rounds": rounds, "command": command}})
    Console().print(_as_table(rounds, means))


def _measure(
    plain: np.ndarray, turned: np.ndarray, there: Photos, left_out: np.ndarray, seed: int
) -> dict[str, float]:
    """Returns the figures of one round."""
    unknown = np.isin(there.ids, left_out)
    known = np.flatnonzero(~unknown)
    ids = np.unique(there.ids[known], return_inverse=True)[1].ravel()
    groups = [there.groups[i] for i in known]
    learned, held = deal(ids, groups, seed)[0]
    fitted = fit(
        plain[known[learned]],
        ids[learned],
        classes=int(ids.max()) + 1,
        mirrored=turned[known[learned]],
        groups=[groups[i] for i in learned],
        seed=seed,
    )
    usual = Stage2()
    fixed = calibrate.fit(
        fitted.held_out,
        ids[learned],
        precision=usual.unknown_precision,
        min_coverage=usual.unknown_min_coverage,
    )
    answers, strange = (
        calibrate.apply(fitted.head.probabilities(plain[rows]), fixed.temperature)
        for rows in (known[held], np.flatnonzero(unknown))
    )
    sure, limit = answers.max(1), fixed.unknown_below or 0.0
    right, given = answers.argmax(1) == ids[held], sure >= limit
    return asdict(measure(sure, strange.max(1))) | {
        "accuracy": float(right.mean()),
        "threshold": limit,
        "coverage": float(given.mean()),
        "precision": float(right[given].mean()),
        "refused": float((strange.max(1) < limit).mean()),
    }


def _as_table(rounds: list[dict[str, float]], means: dict[str, float]) -> Table:
    table = Table("round", *_FIGURES)
    for name, one in [*((str(i + 1), one) for i, one in enumerate(rounds)), ("mean", means)]:
        table.add_row(name, *(f"{one[figure]:.3f}" for figure in _FIGURES))
    return table


if __name__ == "__main__":
    typer.run(main)
