"""The command `precision`: may this run be used in a faster precision? Measured, and written down.

int8 graphs are made here, from training pictures, beside the f32 ones; then the same validation
pictures are predicted in f32 and in the precision asked for, and compared.
"""

import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.videos import Frame
from pose_activity.cache.record import Input, as_float, stack
from pose_activity.cache.store import open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.inference import precision_check, precision_records
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import Result
from pose_activity.runtime.graph import choose, int8_is_of
from pose_activity.runtime.progress import progress_bar
from pose_activity.runtime.quantise import quantise
from pose_activity.stage1_pose.predict import letterbox, to_input
from pose_activity.training.console import console, say

CALIBRATION = 200  # training pictures that ranges are measured on
COMPARED = 200  # validation pictures, at most
# The classifier's first layers mix and copy pixels: what int8 rounds there reaches everything.
KEPT_CONVOLUTIONS = 6


def try_precision(run: PictureRun, text: str, *, engine: str, threads: int | None) -> bool:
    """Makes what is missing, compares with f32, writes the record, and prints the result.

    Args:
        run: A finished run.
        text: See `inference.precision_records.Precision.parse`.
        engine: "auto", "onnxruntime" or "openvino".
        threads: See `inference.predictor.TwoStagePredictor`.

    Returns:
        Whether the run may be used in this precision.
    """
    wanted = precision_records.Precision.parse(text)
    for stage in (wanted.stage1, wanted.stage2):
        choose(engine, stage)  # refuses before minutes are spent on graphs
    plain = PicturePredictor(run.run_dir, engine=engine, threads=threads)
    if wanted.stage1 == "int8" and plain.pose:
        _make_twin(plain.pose.graph.path, _pose_batches(run, plain.pose.size))
    if wanted.stage2 == "int8":
        batches = _tensor_batches(run)
        _make_twin(plain.classifier.graph.path, batches, keep_first=KEPT_CONVOLUTIONS)
    quick = PicturePredictor(
        run.run_dir, engine=engine, threads=threads, precision=text, unchecked=True
    )
    images = _spread(_listed(run, "val"), COMPARED)
    (expected, slow), (got, fast) = (_answers(p, images) for p in (plain, quick))
    threshold = plain.recipe.heatmap.min_confidence
    result = precision_check.compare(expected, got, min_confidence=threshold)
    record = {
        "precision": str(wanted),
        "engine": quick.engine,
        "graphs": quick.graphs,
        "passes": result.passes,
        "text": str(result),
        **result.as_json(),
        "speed_ratio": round(slow / fast, 3),
        "machine": f"{platform.system()} {platform.machine()}",
    }
    precision_records.keep(run.run_dir, record)
    say(f"{wanted} on {quick.engine}: {result}")
    say(f"{slow / fast:.2f} times as fast as f32 here")
    if result.passes:
        say(f"infer.py --precision {wanted}", mark="allowed:", style="green")
    else:
        say("", mark="refused", style="red")
    return result.passes


def _make_twin(path: Path, batches: Iterable[Input], *, keep_first: int = 0) -> None:
    if int8_is_of(path):
        return
    say(f"making an int8 graph of {path}")
    quantise(path, batches, keep_first=keep_first)


def _pose_batches(run: PictureRun, size: int) -> Iterator[np.ndarray]:
    for path in _spread(_listed(run, "train"), CALIBRATION):
        try:
            image = load_rgb(path)
        except ImageError:  # known since the cache was made
            continue
        yield to_input(image, letterbox((image.shape[1], image.shape[0]), size))[None]


def _tensor_batches(run: PictureRun) -> Iterator[Input]:
    cache = open_cache(run.run_dir / "cache")
    for entry in _spread(cache.of_split("train"), CALIBRATION):
        yield as_float(stack([cache.load(entry).x]))


def _answers(pipeline: PicturePredictor, images: Sequence[Path]) -> tuple[list[Result], float]:
    """Returns the rows and the seconds they took, the first pictures left out."""
    rows, started = [], time.perf_counter()
    with progress_bar(f"answering in {pipeline.precision}", console) as show:
        for done, answer in enumerate(pipeline.answers(map(Frame.of_picture, images)), 1):
            rows += answer.rows
            show(done, len(images), answer.frame.source.name)
            if done == min(pipeline.threads, len(images) - 1):
                started = time.perf_counter()
    return rows, time.perf_counter() - started


def _listed(run: PictureRun, split: str) -> list[Path]:
    text = (run.run_dir / "annotations" / f"{split}.txt").read_text(encoding="utf-8")
    return [Path(line) for line in text.splitlines()]


def _spread(items: Sequence, count: int) -> list:
    """Returns `count` items, evenly spread, or all if there are fewer."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]
