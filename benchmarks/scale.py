"""How time and memory of each step grow with the number of images, and what a million would take.

    python benchmarks/scale.py --model runs/demo [--images 50] [--out benchmarks/results/scale.json]

Each step goes through 1x, 4x and 16x as many drawn images, each time in a process of its own with
one thread: the poses, the tensors in both modes, merging four shards, evaluation, prediction. Time
is CPU time without loading, so that other work on the machine hardly counts; memory is the
process's peak. `linear` compares the time per image at 16x with that at 4x (1.0: it is the same).
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pose_activity.annotations.images import find_images  # noqa: E402
from pose_activity.annotations.synthetic import pictures  # noqa: E402
from pose_activity.annotations.synthetic.options import DrawnPictures  # noqa: E402
from pose_activity.artifacts.atomic import write_json  # noqa: E402
from pose_activity.artifacts.shards import shards  # noqa: E402
from pose_activity.cache import poses, store  # noqa: E402
from pose_activity.cache.record import stack  # noqa: E402
from pose_activity.cache.tensor_spec import TensorSpec  # noqa: E402
from pose_activity.inference.options import OutputOptions, Session  # noqa: E402
from pose_activity.inference.pictures.predictor import PicturePredictor  # noqa: E402
from pose_activity.inference.shards import table_of  # noqa: E402

FACTORS = (1, 4, 16)
SIDE, SHARDS = 320, 4  # pixels of a drawn image
MEGABYTE, HOUR = 1e6, 3600
Work = Callable[[], object]


def main() -> None:
    """Measures every step, and prints and writes what it takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", nargs=2, metavar=("STEP", "FOLDER"))
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measure(asked.model, asked.child[0], Path(asked.child[1]), asked.images)))
        return
    found = run(asked.model, asked.images)
    print(as_table(found["steps"]))
    if asked.out:
        write_json(asked.out, found)


def run(model: Path, images: int) -> dict[str, Any]:
    """Returns the figures of all steps."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in STEPS}
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        asked = DrawnPictures(images=images * FACTORS[-1], width=SIDE, height=SIDE, faults=False)
        pictures.write(data, asked, seed=0)
        for factor in FACTORS:
            folder = Path(name) / str(factor)
            folder.mkdir()
            (folder / "images").symlink_to(data / "images")
            for step in STEPS:
                command = [sys.executable, __file__, "--model", str(model)]
                command += ["--images", str(images * factor), "--child", step, str(folder)]
                done = subprocess.run(
                    command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8"
                )
                rows[step].append(json.loads(done.stdout.splitlines()[-1]))
    machine = {"cpu": _cpu(), "cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    return {
        "command": f"python benchmarks/scale.py --model runs/demo --images {images}",
        "machine": machine,
        "side": SIDE,
        "steps": {name: figures_of(own) for name, own in rows.items()},
    }


def figures_of(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Returns what a step takes, given its rows at all factors."""
    per_image = [row["cpu_s"] / row["images"] for row in rows]
    first, last = rows[0], rows[-1]
    grown = (last["peak_mb"] - first["peak_mb"]) * MEGABYTE / (last["images"] - first["images"])
    return {
        "rows": rows,
        "images_per_s_per_core": round(1 / per_image[-1], 1),
        "linear": round(per_image[-1] / per_image[-2], 3),
        "memory_growth": round(last["peak_mb"] / first["peak_mb"], 3),
        "bytes_of_memory_per_image": round(grown),
        "bytes_on_disk_per_image": round(last["bytes"] / last["images"]),
        "core_hours_per_million": round(per_image[-1] * 1e6 / HOUR, 2),
    }


def measure(model: Path, step: str, folder: Path, images: int) -> dict[str, float]:
    """Returns what one step takes for so many images; the folder has what earlier steps left."""
    work, left = STEPS[step](model, folder, find_images(folder / "images")[:images])
    started = time.process_time()
    work()
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
    size = sum(path.stat().st_size for path in left.rglob("*") if path.is_file())
    return {
        "images": images,
        "cpu_s": round(seconds, 3),
        "peak_mb": round(peak, 1),
        "bytes": size,
    }


def find_poses(model: Path, folder: Path, images: list[Path]) -> tuple[Work, Path]:
    """Stage 1 on each image, kept in one file."""
    predictor = PicturePredictor(model, threads=1)
    pose = predictor.pose
    if pose is None:
        raise ValueError(f"A model with a pose graph is needed. Received: {model}")
    out = folder / "poses"
    source = {"sha256": pose.sha256, "size": pose.size}
    return lambda: poses.find(out / poses.FILE, images, pose, source=source), out


def _specs(model: Path, folder: Path, images: list[Path]) -> tuple[Any, list[TensorSpec]]:
    predictor = PicturePredictor(model, threads=1)
    pose = predictor.pose
    source = {"sha256": pose.sha256, "size": pose.size} if pose else {}
    found = poses.find(
        folder / "poses" / poses.FILE, images, lambda pixels, paths: [], source=source
    )
    specs = [
        TensorSpec(image, f"class {n % 2}", "train", found.poses[image])
        for n, image in enumerate(images)
    ]
    return predictor.recipe, specs


def build(tensors: store.Tensors) -> Callable[..., tuple[Work, Path]]:
    """The tensors of each image, stored in one mode."""

    def prepare(model: Path, folder: Path, images: list[Path]) -> tuple[Work, Path]:
        recipe, specs = _specs(model, folder, images)
        out = folder / tensors
        return lambda: _build(out, specs, recipe, tensors), out

    return prepare


def _build(folder: Path, specs: list[TensorSpec], recipe: Any, tensors: store.Tensors) -> None:
    store.build(
        folder,
        specs,
        recipe=recipe,
        classes=["class 0", "class 1"],
        inputs={},
        tensors=tensors,
        threads=1,
    )


def merge(model: Path, folder: Path, images: list[Path]) -> tuple[Work, Path]:
    """Four shards, made before, put together."""
    recipe, specs = _specs(model, folder, images)
    parts, out = [folder / shard.name for shard in shards(SHARDS)], folder / "merged"
    for shard, part in zip(shards(SHARDS), parts, strict=True):
        _build(part, list(shard.take(specs)), recipe, "disk")
    classes = ["class 0", "class 1"]
    return lambda: store.merge(out, parts, recipe=recipe, classes=classes, inputs={}), out


def evaluate(model: Path, folder: Path, images: list[Path]) -> tuple[Work, Path]:
    """The classifier on each stored tensor, whose checksum is compared."""
    classifier, cache = (
        PicturePredictor(model, threads=1).classifier,
        store.open_cache(folder / "disk"),
    )

    def work() -> None:
        for entry in cache.entries[: len(images)]:
            classifier(stack([cache.load(entry, verify=True).x]))

    return work, folder / "none"


def predict(model: Path, folder: Path, images: list[Path]) -> tuple[Work, Path]:
    """Both stages on each image, a row of a table each."""
    predictor, options, out = PicturePredictor(model, threads=1), OutputOptions(), folder / "table"
    table = table_of(predictor, model, out / "a.csv", images, options, ["images"])

    def work() -> None:
        (whole,) = shards(1)
        with table.begin(whole) as opened:
            for answer in predictor.predict(images, options, Session(opened.has)):
                for row in answer.rows:
                    opened.write(row)

    return work, out


STEPS: dict[str, Callable[..., tuple[Work, Path]]] = {
    "poses": find_poses,
    "cache, disk": build("disk"),
    "cache, memory_map": build("memory_map"),
    "merge of 4 shards": merge,
    "evaluation": evaluate,
    "prediction": predict,
}


def as_table(steps: dict[str, dict[str, Any]]) -> str:
    """Returns the figures as a table of text."""
    heads = [name for name in next(iter(steps.values())) if name != "rows"]
    lines = [" | ".join(("step", *heads))]
    lines += [
        " | ".join((name, *(f"{found[head]:,}" for head in heads))) for name, found in steps.items()
    ]
    return "\n".join(lines)


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    names = (line for line in info.read_text("utf-8").splitlines() if line.startswith("model name"))
    return next(names, "").partition(": ")[2] if info.exists() else platform.processor()


if __name__ == "__main__":
    main()
