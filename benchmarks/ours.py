"""Our inference as `infer.py` runs it, for `benchmarks/inference.py`.

    python benchmarks/ours.py WHAT RUN LIST.txt ENGINE PRECISION THREADS

WHAT is `classify`, which prints JSON lines like `straightforward.py`; `limit`, which runs the two
graphs alone on inputs that are ready in memory, all CPUs busy (no pipeline with these graphs on
this engine can be faster); `compare`, which makes int8 graphs where they are asked for and measures
how far the precision moves the answers; `graphs`, which times each graph at some batch sizes; or
`share`, which says what part of a picture's time goes into drawing and stacking its planes.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pose_activity.annotations.images import load_rgb  # noqa: E402
from pose_activity.annotations.videos import Frame
from pose_activity.artifacts.ordered import in_order
from pose_activity.cache.planes import make_arrays  # noqa: E402
from pose_activity.cache.record import Input, as_float, as_input, by_name, stack  # noqa: E402
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.precision_check import compare  # noqa: E402
from pose_activity.inference.precision_records import Precision  # noqa: E402
from pose_activity.inference.table import open_table  # noqa: E402
from pose_activity.stage1_pose.predict import PosePredictor, letterbox, to_input  # noqa: E402

READY = 40  # inputs that are held in memory
BATCHES = (1, 4, 8)
REPEATS = 5


def classify(pipeline: PicturePredictor, paths: list[Path]) -> None:
    """Classifies the listed pictures into a CSV file and says how long it took."""
    with tempfile.TemporaryDirectory() as folder, open_table(Path(folder) / "a.csv") as table:
        answers = pipeline.answers(map(Frame.of_picture, paths))
        for number, answer in enumerate(answers):
            for row in answer.rows:
                table.write(row)
            if number == 0:
                print(json.dumps({"first": time.time()}), flush=True)
                started = time.perf_counter()
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"images": len(paths) - 1, "seconds": seconds, "peak_mb": peak}))


def limit(pipeline: PicturePredictor, paths: list[Path]) -> None:
    """Times the two graphs alone."""
    ready = list(inputs(pipeline, paths[:READY]))
    pose, classifier = pose_of(pipeline).graph, pipeline.classifier.graph

    def both(number: int) -> None:
        frame, planes = ready[number % len(ready)]
        pose(frame)
        classifier(planes)

    list(in_order(both, range(2 * pipeline.threads), workers=pipeline.threads))
    started = time.perf_counter()
    list(in_order(both, range(len(paths)), workers=pipeline.threads))
    print(json.dumps({"images": len(paths), "seconds": time.perf_counter() - started}))


def graphs(pipeline: PicturePredictor, paths: list[Path]) -> None:
    """Times each graph alone at some batch sizes, a call at a time."""
    (frame, planes), *_ = inputs(pipeline, paths[:1])
    for name, graph, one in (
        ("stage 1", pose_of(pipeline).graph, frame),
        ("stage 2", pipeline.classifier.graph, planes),
    ):
        for batch in BATCHES:
            many = as_input({n: np.repeat(a, batch, axis=0) for n, a in by_name(one).items()})
            graph(many)
            times = []
            for _ in range(REPEATS):
                started = time.perf_counter()
                graph(many)
                times.append(time.perf_counter() - started)
            print(json.dumps({"graph": name, "batch": batch, "ms": 1e3 * min(times) / batch}))


def share(pipeline: PicturePredictor, paths: list[Path]) -> None:
    """Times whole answers, and the drawing and stacking of their planes alone, one by one."""
    whole, planes = 0.0, 0.0
    pipeline.answer(Frame.of_picture(paths[0]))
    for path in paths:
        started = time.perf_counter()
        answer = pipeline.answer(Frame.of_picture(path))
        whole += time.perf_counter() - started
        image = load_rgb(path)
        started = time.perf_counter()
        make_arrays(image, answer.rows[0].poses, pipeline.recipe)
        planes += time.perf_counter() - started
    print(json.dumps({"planes_share": planes / whole}))


def measure(pipeline: PicturePredictor, paths: list[Path], run: Path, precision: str) -> None:
    """Compares a precision with f32 on one half of the pictures; int8 learns from the other."""
    from pose_activity.runtime.quantise import quantise
    from pose_activity.training.pictures.precision import LADDERS

    wanted = Precision.parse(precision)
    batches = list(inputs(pipeline, paths[::2]))
    ready = {"stage1": (frame for frame, _ in batches), "stage2": (planes for _, planes in batches)}
    for stage, asked in (("stage1", wanted.stage1), ("stage2", wanted.stage2)):
        if asked == "int8":
            first, last = LADDERS[stage][0]
            quantise(
                pipeline.stages[stage].graph.path, ready[stage], keep_first=first, keep_last=last
            )
    quick = PicturePredictor(run, engine=pipeline.engine, precision=precision, unchecked=True)
    rows = [
        [  # a classifier with random weights says nothing about which activity changes
            replace(row, ranking=())
            for path in paths[1::2]
            for row in p.answer(Frame.of_picture(path)).rows
        ]
        for p in (pipeline, quick)
    ]
    result = compare(*rows, min_confidence=pipeline.recipe.heatmap.min_confidence)
    print(json.dumps({**result.as_json(), "passes": result.passes, "text": str(result)}))


def inputs(pipeline: PicturePredictor, paths: list[Path]) -> Iterator[tuple[np.ndarray, Input]]:
    """Yields what the two graphs get for each picture."""
    predictor = pose_of(pipeline)
    for path in paths:
        image = load_rgb(path)
        place = letterbox((image.shape[1], image.shape[0]), predictor.size)
        (poses,) = predictor([image], [path])
        arrays = make_arrays(image, poses, pipeline.recipe)
        yield to_input(image, place)[None], as_float(stack([as_input(arrays)]))


def pose_of(pipeline: PicturePredictor) -> PosePredictor:
    """Returns stage 1."""
    if pipeline.pose is None:
        raise ValueError("The benchmark wants a run that needs poses.")
    return pipeline.pose


if __name__ == "__main__":
    what, folder, listed, engine, precision, threads = sys.argv[1:]
    pictures = [Path(line) for line in Path(listed).read_text(encoding="utf-8").splitlines()]
    options = {"engine": engine, "threads": int(threads), "unchecked": True}
    if what == "compare":
        measure(PicturePredictor(Path(folder), **options), pictures, Path(folder), precision)
    else:
        work = {"classify": classify, "limit": limit, "graphs": graphs, "share": share}[what]
        work(PicturePredictor(Path(folder), precision=precision, **options), pictures)
