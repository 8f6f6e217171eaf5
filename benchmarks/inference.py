"""Our inference beside the straightforward one, on the same photos and weights.

    python benchmarks/inference.py PHOTOS [--images 100] [--rounds 3] [--out FILE.json]

PHOTOS is a folder of at least 100 JPEGs with people; `POSE_ACTIVITY_WEIGHTS` (or the current
folder) holds yolov8n-pose.pt. Stage 2 is an EfficientNetB0 on four planes of 640x480 with random
weights: they cost what trained ones cost, but say nothing about which activity a precision changes,
so a precision is judged by the poses here. Each round runs every contestant once, in a process of
its own, and ratios are taken within a round, so that a busy machine slows both sides. Printed and
written: medians over the rounds, lowest and highest ratio, and how busy the machine was before.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from pose_activity.artifacts import manifest  # noqa: E402

LEAST_IMAGES = 100
console = Console()
Figure = Callable[[dict[str, dict[str, float]]], float]  # of a round

MAKE_POSE = """
import sys
from pathlib import Path
from pose_activity.annotations.skeleton import COCO17
from pose_activity.stage1_pose.export import export
run, size, image = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
export("yolov8n-pose.pt", run, size=size, skeleton=COCO17, images=[image])
"""
MAKE_CLASSIFIER = """
import shutil
import sys
from pathlib import Path
import numpy as np
from pose_activity.cache.planes import PoseModelId, Recipe
from pose_activity.stage1_pose.predict import read_sidecar
from pose_activity.stage2_classifier import export
from pose_activity.stage2_classifier.models.images import assembly
run, width, height = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
graph = read_sidecar(run / "stage1")
pose = PoseModelId(sha256=graph["sha256"], size=graph["size"], skeleton="coco17")
recipe = Recipe(width=width, height=height, pose=pose)
shape = {"height": height, "width": width, "planes": recipe.planes}
model = assembly.build("efficientnet_b0", **shape, classes=20, weights=None)
(run / "stage2").mkdir()
model.save(run / "stage2" / "classifier.keras")
tensors = np.random.default_rng(0).integers(0, 256, (2, *recipe.shape), np.uint8)
classes = tuple(f"activity {i}" for i in range(20))
export.export(run / "stage2", recipe=recipe, classes=classes, tensors=tensors)
"""
PRECISIONS = ("bf16", "int8")
DEFAULT = "onnxruntime"  # the engine that `auto` takes for f32
EXTRA = (("openvino", "bf16"), ("openvino", "int8"))
SIZE = (640, 480)
RUN = "run"  # the folder of both graphs


def main(
    photos: Annotated[Path, typer.Argument(help="A folder of JPEGs with people.")],
    images: Annotated[int, typer.Option(min=LEAST_IMAGES)] = LEAST_IMAGES,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    threads: Annotated[int, typer.Option(min=1)] = os.cpu_count() or 1,
    out: Annotated[Path, typer.Option()] = HERE / "results" / "inference.json",
) -> None:
    """Measures, prints a table and writes the figures."""
    found = sorted(photos.rglob("*.jpg"))
    load = os.getloadavg()[0]
    step = len(found) // images
    if not step:
        raise typer.BadParameter(f"{photos} must hold {images} JPEGs. It holds {len(found)}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "all.txt").write_text("\n".join(map(str, found[::step][:images])), encoding="utf-8")
        (work / "few.txt").write_text("\n".join(map(str, found[::step][:60])), encoding="utf-8")
        make_run(work / RUN, SIZE, found[0], work)
        precisions = compare_precisions(work, threads)
        allowed = [name for name, facts in precisions.items() if facts.get("passes")]
        measured = [one_round(work, threads, allowed) for _ in range(rounds)]
        graphs = time_graphs(work, threads)
        (share,) = ours("share", work, DEFAULT, "f32", threads)
    result = {
        **summarise(measured, allowed),
        **share,
        **{"images": images, "rounds": rounds, "threads": threads},
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "load_before": round(load, 2),
        "precisions": precisions,
        "graphs": graphs,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    show(result)


def make_run(run: Path, size: tuple[int, int], image: Path, work: Path) -> None:
    """Exports both graphs, each framework in a process of its own."""
    width, height = size
    console.print(f"exporting both graphs, {width}x{height}", highlight=False)
    python(["-c", MAKE_POSE, str(run / "stage1"), str(width), str(image)], work)
    python(["-c", MAKE_CLASSIFIER, str(run), str(width), str(height)], work)
    for stage in ("stage1", "stage2"):  # a model is used once its steps are finished
        outputs = [path for path in (run / stage).iterdir() if path.is_file()]
        manifest.write(run / stage, recipe={}, inputs={}, outputs=outputs)


def compare_precisions(work: Path, threads: int) -> dict[str, dict[str, Any]]:
    """Returns how far each precision moves the answers, or why it cannot be had."""
    found = {}
    for precision in PRECISIONS:
        try:
            (line,) = ours("compare", work, "openvino", precision, threads)
            found[precision] = line
        except RuntimeError as error:
            found[precision] = {"passes": False, "text": str(error).splitlines()[-1]}
        console.print(f"  {precision}: {found[precision]['text']}", highlight=False)
    return found


def one_round(work: Path, threads: int, allowed: list[str]) -> dict[str, dict[str, float]]:
    """Runs every contestant once; returns what each printed."""
    weights = Path(os.environ.get("POSE_ACTIVITY_WEIGHTS", ".")) / "yolov8n-pose.pt"
    keras = work / RUN / "stage2" / "classifier.keras"
    plain = ["benchmarks/straightforward.py", str(weights), str(keras), str(work / "all.txt")]
    measured = {"straightforward": timed(lambda: python(plain, work))}
    contestants = [(DEFAULT, "f32"), *(("openvino", precision) for precision in allowed)]
    asked = [(what, *one) for one in contestants for what in ("classify", "limit")]
    for what, engine, precision in (*asked, ("classify", "openvino", "f32")):
        note = ", the graphs alone" if what == "limit" else ""
        call = partial(ours, what, work, engine, precision, threads)
        measured[f"{engine} {precision}{note}"] = timed(call)
    for name, facts in measured.items():
        console.print(f"  {name}: {facts['images_per_s']:.2f} images/s", highlight=False)
    return measured


def timed(run: Callable[[], list[dict[str, Any]]]) -> dict[str, float]:
    """Returns what a contestant printed, with its rate and the time to its first answer."""
    started = time.time()
    facts: dict[str, float] = {key: value for line in run() for key, value in line.items()}
    facts["images_per_s"] = facts["images"] / facts["seconds"]
    if "first" in facts:
        facts["startup_s"] = facts.pop("first") - started
    return facts


def time_graphs(work: Path, threads: int) -> list[dict[str, Any]]:
    """Returns milliseconds per image of each graph: engines, precisions, batches."""
    rows = []
    for engine, precision in [(DEFAULT, "f32"), ("openvino", "f32"), *EXTRA]:
        try:
            lines = ours("graphs", work, engine, precision, threads)
        except RuntimeError:  # no such graph, or not on this CPU
            continue
        rows += [{"engine": engine, "precision": precision} | line for line in lines]
    return rows


def ours(what: str, work: Path, engine: str, precision: str, threads: int) -> list:
    """Runs `benchmarks/ours.py`; returns the JSON lines it printed."""
    listed = work / ("few.txt" if what in ("graphs", "share") else "all.txt")
    tail = [str(work / RUN), str(listed), engine, precision, str(threads)]
    return python(["benchmarks/ours.py", what, *tail], work)


def python(arguments: list[str], work: Path) -> list[dict[str, Any]]:
    """Runs Python in the project's folder; returns the JSON lines it printed."""
    environment = {**os.environ, "YOLO_CONFIG_DIR": str(work), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{done.stderr[-3000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def summarise(rounds: list[dict[str, dict[str, float]]], allowed: list[str]) -> dict[str, Any]:
    """Returns the medians over rounds of what is promised, and of what each contestant did."""

    def median(figure: Figure) -> float:
        return round(statistics.median(figure(r) for r in rounds), 4)

    def ratio(mine: str, key: str, theirs: str) -> Figure:
        return lambda r: r[mine][key] / r[theirs][key]

    def limit_share(name: str) -> Figure:
        return ratio(name, "images_per_s", f"{name}, the graphs alone")

    plain, f32 = "straightforward", f"{DEFAULT} f32"
    candidates = [f32, *(f"openvino {precision}" for precision in allowed)]
    speed = {name: median(ratio(name, "images_per_s", plain)) for name in candidates}
    best = max(speed, key=lambda name: speed[name])
    figures = {
        "throughput_ratio_f32": ratio(f32, "images_per_s", plain),
        "throughput_ratio_best": ratio(best, "images_per_s", plain),
        "limit_share": limit_share(f32),
        "startup_ratio": ratio(f32, "startup_s", plain),
        "memory_ratio": ratio(f32, "peak_mb", plain),
    }
    between = {
        name: [round(end(map(figure, rounds)), 4) for end in (min, max)]
        for name, figure in figures.items()
    }
    return {
        **{name: median(figure) for name, figure in figures.items()},
        "limit_shares": {name: median(limit_share(name)) for name in candidates},
        "best_precision": best.split()[1],
        "lowest_and_highest": between,
        "contestants": {
            name: {key: median(lambda r, n=name, k=key: r[n][k]) for key in rounds[0][name]}
            for name in rounds[0]
        },
    }


def show(result: dict[str, Any]) -> None:
    """Prints the figures."""
    table = Table("", "images/s", "to first answer", "peak memory")
    for name, facts in result["contestants"].items():
        startup = f"{facts['startup_s']:.2f} s" if "startup_s" in facts else ""
        memory = f"{facts['peak_mb']:.0f} MB" if "peak_mb" in facts else ""
        table.add_row(name, f"{facts['images_per_s']:.2f}", startup, memory)
    console.print(table)
    console.print(f"load before: {result['load_before']} on {os.cpu_count()} CPUs", highlight=False)
    for key, (low, high) in result["lowest_and_highest"].items():
        console.print(f"{key}: {result[key]:.3f} ({low:.3f} to {high:.3f})", highlight=False)
    rows = Table("graph", "engine", "precision", "batch", "ms an image")
    for row in result["graphs"]:
        names = ("graph", "engine", "precision", "batch")
        rows.add_row(*(str(row[name]) for name in names), f"{row['ms']:.1f}")
    console.print(rows)
    console.print(f"planes_share: {result['planes_share']:.3f}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
