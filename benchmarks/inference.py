"""Our inference beside the straightforward one, on the same photos and weights.

    python benchmarks/inference.py PHOTOS [--images 200] [--rounds 3] [--out FILE.json]

PHOTOS is a folder of at least 200 JPEGs with people; `POSE_ACTIVITY_WEIGHTS` (or the current
folder) holds yolov8n-pose.pt. Stage 2 is an EfficientNetB0 on four planes of 640x480 with random
weights: they cost what trained ones cost. Each round runs every contestant once, in a process of
its own, and ratios are taken within a round, so that a busy machine slows both sides. Printed and
written: medians over the rounds.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LEAST_IMAGES = 200
console = Console()

MAKE_POSE = """
import sys
from pathlib import Path
from annotations.skeleton import COCO17
from stage1_pose.export import export
export("yolov8n-pose.pt", Path(sys.argv[1]), size=640, skeleton=COCO17, images=[Path(sys.argv[2])])
"""
MAKE_CLASSIFIER = """
import sys
from pathlib import Path
import numpy as np
from cache.planes import PoseSource, Recipe
from stage1_pose.predict import read_sidecar
from stage2_classifier import export
from stage2_classifier.models import registry
run = Path(sys.argv[1])
graph = read_sidecar(run / "stage1")
recipe = Recipe(pose=PoseSource(sha256=graph["sha256"], size=640, skeleton="coco17"))
shape = {"height": recipe.height, "width": recipe.width, "planes": recipe.planes}
model = registry.build("efficientnet_b0", **shape, classes=20, weights="none")
(run / "stage2").mkdir()
model.save(run / "stage2" / "classifier.keras")
tensors = np.random.default_rng(0).integers(0, 256, (2, *recipe.shape), np.uint8)
classes = tuple(f"activity {i}" for i in range(20))
export.export(run / "stage2", recipe=recipe, classes=classes, tensors=tensors)
"""


def main(
    photos: Annotated[Path, typer.Argument(help="A folder of JPEGs with people.")],
    images: Annotated[int, typer.Option(min=LEAST_IMAGES)] = LEAST_IMAGES,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    threads: Annotated[int, typer.Option(min=1)] = os.cpu_count() or 1,
    out: Annotated[Path, typer.Option()] = HERE / "results" / "inference.json",
) -> None:
    """Measures, prints a table and writes the figures."""
    found = sorted(photos.rglob("*.jpg"))
    step = len(found) // images
    if not step:
        raise typer.BadParameter(f"{photos} must hold {images} JPEGs. It holds {len(found)}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "all.txt").write_text("\n".join(map(str, found[::step][:images])))
        (work / "few.txt").write_text("\n".join(map(str, found[::step][:20])))
        make_run(work, found[0])
        measured = [one_round(work, threads) for _ in range(rounds)]
    result = summarise(measured) | {"images": images, "rounds": rounds, **machine(threads)}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    show(result)


def make_run(work: Path, image: Path) -> None:
    """Exports both graphs, each framework in a process of its own."""
    console.print("exporting both graphs")
    python(["-c", MAKE_POSE, str(work / "run" / "stage1"), str(image)], work)
    python(["-c", MAKE_CLASSIFIER, str(work / "run")], work)


def one_round(work: Path, threads: int) -> dict[str, dict[str, float]]:
    """Runs every contestant once; returns what each printed."""
    weights = Path(os.environ.get("POSE_ACTIVITY_WEIGHTS", ".")) / "yolov8n-pose.pt"
    keras = work / "run" / "stage2" / "classifier.keras"
    plain = ["benchmarks/straightforward.py", str(weights), str(keras)]
    contestants = {"straightforward": [*plain, str(work / "all.txt")]}
    for engine in ("openvino", "onnxruntime"):
        tail = [str(work / "run"), str(work / "all.txt"), engine, "f32", str(threads)]
        contestants[f"{engine} f32"] = ["benchmarks/ours.py", "classify", *tail]
        contestants[f"{engine} f32, the graphs alone"] = ["benchmarks/ours.py", "limit", *tail]
    measured = {}
    for name, command in contestants.items():
        started = time.time()
        lines = [json.loads(line) for line in python(command, work) if line.startswith("{")]
        facts: dict[str, float] = {key: value for line in lines for key, value in line.items()}
        facts["images_per_s"] = facts["images"] / facts["seconds"]
        if "first" in facts:
            facts["startup_s"] = facts.pop("first") - started
        measured[name] = facts
        console.print(f"  {name}: {facts['images_per_s']:.2f} images/s", highlight=False)
    return measured


def python(arguments: list[str], work: Path) -> list[str]:
    """Runs Python in the project's folder; returns the lines it printed."""
    environment = {**os.environ, "YOLO_CONFIG_DIR": str(work), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{done.stderr[-3000:]}")
    return done.stdout.splitlines()


def summarise(rounds: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Returns the medians over rounds of what is promised, and of what each contestant did."""

    def median(figure) -> float:
        return round(statistics.median(figure(r) for r in rounds), 4)

    ours, plain = "openvino f32", "straightforward"
    ratio = median(lambda r: r[ours]["images_per_s"] / r[plain]["images_per_s"])
    return {
        "throughput_ratio_f32": ratio,
        "throughput_ratio_best": ratio,
        "best_precision": "f32",
        "limit_share": median(
            lambda r: r[ours]["images_per_s"] / r[f"{ours}, the graphs alone"]["images_per_s"]
        ),
        "startup_ratio": median(lambda r: r[ours]["startup_s"] / r[plain]["startup_s"]),
        "memory_ratio": median(lambda r: r[ours]["peak_mb"] / r[plain]["peak_mb"]),
        "contestants": {
            name: {key: median(lambda r, n=name, k=key: r[n][k]) for key in rounds[0][name]}
            for name in rounds[0]
        },
    }


def machine(threads: int) -> dict[str, Any]:
    """Returns what the absolute figures depend on."""
    return {"threads": threads, "machine": f"{platform.machine()}, {os.cpu_count()} CPUs"}


def show(result: dict[str, Any]) -> None:
    """Prints the figures."""
    table = Table("", "images/s", "to first answer", "peak memory")
    for name, facts in result["contestants"].items():
        startup = f"{facts['startup_s']:.2f} s" if "startup_s" in facts else ""
        memory = f"{facts['peak_mb']:.0f} MB" if "peak_mb" in facts else ""
        table.add_row(name, f"{facts['images_per_s']:.2f}", startup, memory)
    console.print(table)
    for key in ("throughput_ratio_f32", "throughput_ratio_best", "limit_share"):
        console.print(f"{key}: {result[key]:.2f}", highlight=False)
    for key in ("startup_ratio", "memory_ratio"):
        console.print(f"{key}: {result[key]:.3f}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
