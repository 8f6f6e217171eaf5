"""The command `precision`: may this run be used in a faster precision? Measured, and written down.

int8 graphs are made here, from training pictures, beside the f32 ones; then the same validation
pictures are predicted in f32 and in the precision asked for, and compared. Where int8 changes too
much, more of the graph stays f32.
"""

import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.types import Sample
from pose_activity.annotations.videos import Frame
from pose_activity.cache.record import Input, as_float, stack
from pose_activity.cache.store import open_cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.inference import precision_check, precision_records
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import Result
from pose_activity.runtime.graph import choose, int8_is_of, kept_convolutions
from pose_activity.runtime.progress import progress_bar
from pose_activity.runtime.quantise import quantise
from pose_activity.stage1_pose.predict import letterbox, to_input
from pose_activity.training.console import console, say

CALIBRATION = 200  # training pictures that ranges are measured on
COMPARED = 200  # pictures, at most

# Stage -> how much of it stays f32, (first, last) convolutions, the fastest first: the next one is
# tried where the answers change too much. Four from the end are the head of the pose network. The
# classifier's first ones mix and copy pixels: what is rounded there reaches everything.
Kept = tuple[int, int]
LADDERS: dict[str, tuple[Kept, ...]] = {
    "stage1": ((0, 4), (2, 4), (8, 5), (16, 6)),
    "stage2": ((6, 0), (12, 1), (24, 4)),
}


@dataclass(frozen=True)
class Answered:
    """Rows of the compared pictures, and the seconds they took, the first pictures left out."""

    rows: list[Result]
    seconds: float


def try_precision(run: PictureRun, text: str, *, engine: str, threads: int | None) -> bool:
    """Makes what is missing, compares with f32, writes the record, and prints the result.

    Where int8 changes too much, more of the graph at fault stays f32, step by step; what was tried
    is kept in the record, so that a stopped search goes on.

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
    images = _compared(run)
    expected, labels = _answers(plain, images), _labels(run)
    tried = _tried(run, str(wanted), plain)
    kept: dict[str, Kept] | None = _begin(wanted, plain)
    passes = False
    while kept is not None and not passes:
        step = next((s for s in tried if s["kept"] == kept and not s["passes"]), None)
        if step is None:
            _make_twins(run, plain, kept)
            quick = PicturePredictor(
                run.run_dir, engine=engine, threads=threads, precision=text, unchecked=True
            )
            got = _answers(quick, images)
            step = {"kept": kept, **_compare(plain, expected, got, labels)}
            tried = [*(s for s in tried if s["kept"] != kept), step]
            _keep(run, wanted, quick, step, tried)
        say(f"{wanted} on {plain.engine}: {step['text']}")
        say(f"{step['speed_ratio']:.2f} times as fast as f32 here")
        passes = step["passes"]
        kept = climb(kept, step["at_fault"])
    if passes:
        say(f"infer.py --precision {wanted}", mark="allowed:", style="green")
    else:
        say("", mark="refused", style="red")
    return passes


def _compare(
    plain: PicturePredictor, expected: Answered, got: Answered, labels: Mapping[Path, Sample]
) -> dict[str, Any]:
    result = precision_check.compare(
        expected.rows,
        got.rows,
        min_confidence=plain.recipe.heatmap.min_confidence,
        labels=labels,
    )
    return {
        "passes": result.passes,
        "text": str(result),
        **result.as_json(),
        "at_fault": _at_fault(result),
        "speed_ratio": round(expected.seconds / got.seconds, 3),
    }


def climb(kept: dict[str, Kept], at_fault: Sequence[str]) -> dict[str, Kept] | None:
    """Returns what is to stay f32 next: more of the first stage at fault that has a step left.

    Args:
        kept: Stage -> (first, last) convolutions, of the stages that are int8.
        at_fault: Stages, the likelier first.
    """
    for stage in at_fault:
        ladder = LADDERS[stage]
        if stage in kept and (step := ladder.index(kept[stage]) + 1) < len(ladder):
            return {**kept, stage: ladder[step]}
    return None


def _at_fault(result: precision_check.Comparison) -> list[str]:
    """Returns the stages whose rounding may be too much, the likelier first."""
    if result.pictures < precision_check.LEAST_PICTURES:
        return []  # no graph mends that
    return ["stage1"] if result.pose_faults else ["stage2", "stage1"]


def _begin(wanted: precision_records.Precision, plain: PicturePredictor) -> dict[str, Kept]:
    precisions = {"stage1": wanted.stage1 if plain.pose else "", "stage2": wanted.stage2}
    return {stage: LADDERS[stage][0] for stage, p in precisions.items() if p == "int8"}


def _make_twins(run: PictureRun, plain: PicturePredictor, kept: Mapping[str, Kept]) -> None:
    """Makes the int8 graphs that are not there with just these convolutions in f32."""
    for stage, (first, last) in kept.items():
        path = plain.stages[stage].graph.path
        if int8_is_of(path) and kept_convolutions(path) == (first, last):
            continue
        say(f"making an int8 graph of {path}; {first} first and {last} last convolutions stay f32")
        if stage == "stage1" and plain.pose:
            batches: Iterable[Input] = _pose_batches(run, plain.pose.size)
        else:
            batches = _tensor_batches(run)
        quantise(path, batches, keep_first=first, keep_last=last)


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


def _answers(pipeline: PicturePredictor, images: Sequence[Path]) -> Answered:
    rows, started = [], time.perf_counter()
    with progress_bar(f"answering in {pipeline.precision}", console) as show:
        for done, answer in enumerate(pipeline.answers(map(Frame.of_picture, images)), 1):
            rows += answer.rows
            show(done, len(images), answer.frame.source.name)
            if done == min(pipeline.threads, len(images) - 1):
                started = time.perf_counter()
    return Answered(rows, time.perf_counter() - started)


def _compared(run: PictureRun) -> list[Path]:
    """Returns validation pictures, and training pictures where these are too few."""
    images = _spread(_listed(run, "val"), COMPARED)
    missing = precision_check.LEAST_PICTURES - len(images)
    return images + (_spread(_listed(run, "train"), missing) if missing > 0 else [])


def _labels(run: PictureRun) -> dict[Path, Sample]:
    samples = read_samples(run.run_dir / "annotations" / "samples.jsonl")
    return {sample.image: sample for sample in samples}


def _tried(run: PictureRun, precision: str, plain: PicturePredictor) -> list[dict[str, Any]]:
    """Returns the steps that were tried with these very graphs."""
    for record in precision_records.records(run.run_dir):
        asked = (record["precision"], record["engine"], record["graphs"])
        if asked == (precision, plain.engine, plain.graphs):
            steps = record.get("tried", [])
            return [{**s, "kept": {k: tuple(v) for k, v in s["kept"].items()}} for s in steps]
    return []


def _keep(
    run: PictureRun,
    wanted: precision_records.Precision,
    quick: PicturePredictor,
    known: dict[str, Any],
    tried: list[dict[str, Any]],
) -> None:
    """Writes what was found so far."""
    record = {
        "precision": str(wanted),
        "engine": quick.engine,
        "graphs": quick.graphs,
        "twins": quick.twins,
        **known,
        "machine": f"{platform.system()} {platform.machine()}",
        "tried": tried,
    }
    precision_records.keep(run.run_dir, record)


def _listed(run: PictureRun, split: str) -> list[Path]:
    text = (run.run_dir / "annotations" / f"{split}.txt").read_text(encoding="utf-8")
    return [Path(line) for line in text.splitlines()]


def _spread(items: Sequence, count: int) -> list:
    """Returns `count` items, evenly spread, or all if there are fewer."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]
