"""What body parts are worth to a classifier of photos, beside the picture and the heatmap.

    python benchmarks/part_planes.py PHOTOS --parts runs/parts/stage2 [--weights yolov8n-pose.pt]

PHOTOS as for `accuracy.py`; --parts is the folder of a finished parts network. Each plane of a
photo (320x240, everybody in it) goes through a frozen backbone, as `stage2.linear` sends it; a row
takes the vectors of some planes. A linear head is fitted on four fifths of the photos and answers
the rest, in turns; folds are dealt with three seeds, alike for all rows, and so are the strengths
that the penalty is chosen from. Written of each row: `accuracy`, the mean of the seeds, `seeds`,
and `gain`, the paired difference from the picture alone with its 95 % interval. Vectors are kept in
--work: the command continues where it was stopped.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks import heads, looks  # noqa: E402
from benchmarks.sequences import merge, read  # noqa: E402
from pose_activity.annotations.images import load_rgb  # noqa: E402
from pose_activity.annotations.types import Poses  # noqa: E402
from pose_activity.artifacts import atomic  # noqa: E402
from pose_activity.artifacts.manifest import sha256_json  # noqa: E402
from pose_activity.artifacts.ordered import in_order  # noqa: E402
from pose_activity.cache.planes import Recipe, make_arrays  # noqa: E402
from pose_activity.runtime import graph  # noqa: E402
from pose_activity.runtime.progress import progress_bar  # noqa: E402
from pose_activity.stage1_parts import maps, predict  # noqa: E402
from pose_activity.stage2_classifier.frozen.features import vector  # noqa: E402
from pose_activity.stage2_classifier.frozen.layout import Layout  # noqa: E402
from pose_activity.stage2_classifier.scores.resampling import paired_difference  # noqa: E402

RECIPE = Recipe(("rgb", "heatmap", "parts", "rgb_person"), width=320, height=240, people="all")
SEEDS = (0, 1, 2)
ALONE = "rgb"
ROWS = {
    ALONE: ("rgb",),
    "rgb + heatmap": ("rgb", "heatmap"),
    "rgb + parts": ("rgb", "parts"),
    "rgb + heatmap + parts": ("rgb", "heatmap", "parts"),
    "rgb + rgb_person": ("rgb", "rgb_person"),
}
PART = 100  # photos whose vectors are in one file


def main(
    photos: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    parts: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A parts network.")],
    weights: Annotated[str, typer.Option(help="Stage 1's.")] = "yolov8n-pose.pt",
    threads: Annotated[int, typer.Option(min=1)] = 2,
    work: Annotated[Path, typer.Option(help="Where vectors are kept.")] = Path("runs/part_planes"),
    out: Annotated[Path, typer.Option()] = HERE / "results" / "part_planes.json",
) -> None:
    """Measures, writes the figures beside those that are there, and prints a table."""
    read(out)  # a file that cannot be added to is refused now, not after the work
    there = looks.read_photos(photos, weights, work, threads)
    vectors = _vectors(there, parts, work, threads)
    deals = [heads.deal(there.ids, there.groups, seed) for seed in SEEDS]
    blocks = np.split(vectors, len(RECIPE.planes), axis=1)
    right: dict[str, np.ndarray] = {}
    for name, planes in ROWS.items():
        chosen = np.concatenate([blocks[RECIPE.planes.index(plane)] for plane in planes], axis=1)
        answers = heads.linear([chosen], there.ids, deals)
        right[name] = np.array([answer.argmax(1) == there.ids for answer in answers])
        gain, interval = paired_difference(
            right[name].mean(0), right[ALONE].mean(0), clusters=there.clusters, resamples=2000
        )
        row = {
            "accuracy": float(right[name].mean()),
            "seeds": right[name].mean(1).tolist(),
            "gain": {"difference": gain, "interval": interval},
            "command": "python benchmarks/part_planes.py PHOTOS --parts FOLDER",
        }
        merge(out, {name: row})
    Console().print(as_table({name: read(out)[name] for name in ROWS}))


def _vectors(there: looks.Photos, parts: Path, work: Path, threads: int) -> np.ndarray:
    """Returns `(N, D)` float32: of each plane in turn the mean and maximum of each feature."""
    network = predict.load(parts, threads=threads, streams=threads)
    backbone = looks.find_backbone_graph()
    run = graph.load(backbone, engine="openvino", threads=threads, streams=threads)
    layout = Layout.of(RECIPE)

    def see(poses: Poses) -> np.ndarray:
        image = load_rgb(poses.image)
        found = maps.find(network, image, poses)
        return vector(make_arrays(image, poses, RECIPE, parts=found), run, layout)

    folder = work / f"vectors_{network.sha256[:16]}"
    rows = []
    with progress_bar("vectors", Console()) as show:
        for start in range(0, len(there.poses), PART):
            some = there.poses[start : start + PART]
            names = [one.image.name for one in some]
            path = folder / f"{start:05}_{sha256_json(names)[:16]}.npy"
            if not path.is_file():
                made = np.stack([*in_order(see, some, workers=threads)])
                with atomic.replacing(path) as temporary:
                    np.save(temporary, made, allow_pickle=False)
            rows.append(np.load(path, allow_pickle=False))
            show(start + len(some), len(there.poses), names[-1])
    return np.concatenate(rows)


def as_table(results: dict[str, dict[str, Any]]) -> Table:
    """Returns the figures in per cent and points."""
    table = Table("planes", "accuracy", "seeds", "gain")
    for name, found in results.items():
        low, high = found["gain"]["interval"]
        table.add_row(
            name,
            f"{100 * found['accuracy']:.1f}",
            " ".join(f"{100 * seed:.1f}" for seed in found["seeds"]),
            f"{100 * found['gain']['difference']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
