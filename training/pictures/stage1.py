"""The step `stage1`: a pose model is trained or taken as it is, exported, and measured."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.readers import yolo
from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.skeleton import SKELETONS
from pose_activity.artifacts.atomic import write_json
from pose_activity.artifacts.removal import remove_tree
from pose_activity.cache import poses
from pose_activity.configs.pictures import PictureRun
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_pose import fit, kept_graph, predict, validate
from pose_activity.stage1_pose.evaluate import pckh
from pose_activity.stage1_pose.export import export
from pose_activity.training.console import console, say, say_notes
from pose_activity.training.pictures.steps import stage1_samples
from pose_activity.training.pose_weights import find_weights
from pose_activity.training.steps import Counts

PARITY_IMAGES = 8  # pictures on which an exported graph is compared with its model


def make_stage1(run: PictureRun, folder: Path) -> Counts:
    """Trains the pose model, or uses it as it is; exports it and measures it."""
    section = run.stage1
    (folder / "metrics.json").unlink(missing_ok=True)  # of an attempt that was not finished
    if section.graph:
        kept_graph.copy(section.graph, folder)
        return {}
    samples = read_samples(run.run_dir / stage1_samples(run))
    weights, metrics = find_weights(run.stage1.weights), {}
    skeleton = SKELETONS[section.skeleton]
    if section.train:
        skeleton = samples[0].skeleton
        weights, metrics = train_poses(run, samples, weights, folder)
    export_poses(run, samples, weights, folder, skeleton)
    if any(len(sample.boxes) for sample in samples):
        metrics |= measure_poses(run, samples, folder)
        write_json(folder / "metrics.json", metrics)
    return metrics


def train_poses(
    run: PictureRun, samples: Sequence[Any], weights: Path, folder: Path
) -> tuple[Path, dict[str, Any]]:
    """Trains on the samples' joints; returns the best weights and ultralytics' figures."""
    remove_tree(folder / "dataset")
    section = run.stage1.fit
    # Pictures of test come last: how the others are numbered does not depend on them.
    used = sorted((s for s in samples if s.split), key=lambda sample: sample.split == "test")
    data = yolo.write_yolo(
        used, folder / "dataset", skeleton=samples[0].skeleton, resize=run.stage1.resize
    )
    with progress_bar("training stage 1", console) as show:
        best = fit.fit(
            data,
            weights,
            folder,
            **section.arguments(),
            seed=run.seed,
            threads=run.threads,
            logs=run.run_dir / "logs" / "stage1",
            on_progress=show,
        )
    settings = {
        "split": _judged(samples),
        "image_size": section.image_size,
        "pose": section.pose,
        "device": section.device,
        "threads": run.threads,
    }
    metrics = validate.validate(best, data, **settings)
    if not all(np.isfinite(value) for value in metrics.values()):
        raise FloatingPointError(
            f"Stage 1's figures must be finite. Received: {metrics}. Lower stage1.fit.lr0."
        )
    if weights.is_file():  # Fine-tuning can harm: say what it started from.
        try:
            metrics |= measure_start(run, samples, weights, folder, data, settings)
        except (ValueError, RuntimeError) as error:  # such as weights of another skeleton
            say_notes([f"the weights that training started from were not measured: {error}"])
    return best, metrics


def measure_start(
    run: PictureRun,
    samples: Sequence[Any],
    weights: Path,
    folder: Path,
    data: Path,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Measures the weights that training started from on the same pictures."""
    start, metrics = SKELETONS[run.stage1.skeleton], {}
    if start == samples[0].skeleton:
        before = validate.validate(weights, data, **settings)
        metrics["start_pose_map50"] = before["pose_map50"]
    if any(sample.head_sizes.any() for sample in samples):  # PCKh's unit
        export_poses(run, samples, weights, folder / "start", start)
        metrics["start_pckh50"] = measure_poses(run, samples, folder / "start")["pckh50"]
    return metrics


def export_poses(
    run: PictureRun, samples: Sequence[Any], weights: Path, folder: Path, skeleton: Any
) -> None:
    """Exports weights as a graph and compares the two on some of the samples' pictures."""
    size, kept = run.stage1.export_size, None
    if not run.stage1.train and weights.is_file():
        kept = kept_graph.place_of(weights, size=size, skeleton=skeleton.name)
        if kept_graph.take(kept, folder):
            say(f"its graph was exported before: {kept}")
            return
    images = list(islice(filter(_is_readable, (s.image for s in samples)), PARITY_IMAGES))
    export(weights, folder, size=size, skeleton=skeleton, images=images, threads=run.threads)
    if kept and kept_graph.keep(folder, kept):
        say(f"its graph is kept for later runs: {kept}")


def measure_poses(run: PictureRun, samples: Sequence[Any], stage1: Path) -> dict[str, Any]:
    """Compares the poses of an exported graph with the labelled joints of the judged split."""
    found, labelled = judged_poses(run, samples, stage1)
    scores = pckh(found, labelled)
    return {"split": _judged(samples), "n": len(labelled), **scores}


def judged_poses(
    run: PictureRun, samples: Sequence[Any], stage1: Path
) -> tuple[list[Any], list[Any]]:
    """Returns what a graph finds in the labelled pictures of the judged split, and their labels."""
    judged = [s for s in samples if s.split == _judged(samples) and len(s.boxes)]
    found = find_poses(run, [s.image for s in judged], stage1, stage1 / "judged.parquet")
    readable = [sample for sample in judged if sample.image in found.poses]
    return [found.poses[sample.image] for sample in readable], readable


def find_poses(run: PictureRun, images: Sequence[Path], stage1: Path, path: Path) -> Any:
    """Asks the graph in folder `stage1` about the pictures that the file `path` does not know."""
    keep = run.stage1.predict
    predictor = predict.load(stage1, threads=run.threads, keep=keep)
    source = {"sha256": predictor.sha256, "size": predictor.size, **keep.arguments()}
    with progress_bar("finding poses", console) as show:
        return poses.find(path, images, predictor, source=source, on_progress=show)


def _is_readable(image: Path) -> bool:
    try:
        load_rgb(image)
    except ImageError:
        return False
    return True


def _judged(samples: Sequence[Any]) -> str:
    """Returns the split of stage 1's figures: test, or val if there is no test."""
    return "test" if any(sample.split == "test" for sample in samples) else "val"
