"""Our inference as `infer.py` runs it, for `benchmarks/inference.py`.

    python benchmarks/ours.py classify RUN LIST.txt ENGINE PRECISION THREADS
    python benchmarks/ours.py limit RUN LIST.txt ENGINE PRECISION THREADS

`classify` prints JSON lines like `straightforward.py`. `limit` runs the two graphs alone, on inputs
that are ready in memory, all CPUs busy: no pipeline with these graphs on this engine can be faster.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from inference.pipeline import Frame, Pipeline, in_order  # noqa: E402
from inference.writers import open_table  # noqa: E402

READY = 40  # inputs that `limit` holds in memory


def classify(pipeline: Pipeline, paths: list[Path]) -> None:
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


def limit(pipeline: Pipeline, paths: list[Path]) -> None:
    """Times the two graphs alone."""
    from annotations.images import load_rgb
    from cache.planes import make
    from stage1_pose.predict import letterbox, to_input

    if pipeline.pose is None:
        raise ValueError("limit wants a run that needs poses")
    pose_graph = pipeline.pose.graph
    ready = []
    for path in paths[:READY]:
        image = load_rgb(path)
        place = letterbox((image.shape[1], image.shape[0]), pipeline.pose.size)
        (poses,) = pipeline.pose([image], [path])
        planes = make(image, poses, pipeline.recipe)
        ready.append((to_input(image, place)[None], planes[None].astype("float32")))

    def both(number: int) -> None:
        pose, planes = ready[number % len(ready)]
        pose_graph(pose)
        pipeline.classifier.graph(planes)

    list(in_order(both, range(2 * pipeline.threads), workers=pipeline.threads))
    started = time.perf_counter()
    list(in_order(both, range(len(paths)), workers=pipeline.threads))
    print(json.dumps({"images": len(paths), "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    what, run, listed, engine, precision, threads = sys.argv[1:]
    loaded = Pipeline(Path(run), engine=engine, precision=precision, threads=int(threads))
    {"classify": classify, "limit": limit}[what](
        loaded, [Path(line) for line in Path(listed).read_text().splitlines()]
    )
