"""The step `stage1`: a pose model is trained or taken as it is, exported, and measured."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.readers import yolo
from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.skeleton import SKELETONS
from pose_activity.annotations.types import Poses, Sample
from pose_activity.artifacts.atomic import write_json
from pose_activity.artifacts.removal import remove_tree
from pose_activity.cache import poses
from pose_activity.configs.pictures import PictureRun
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_parts import maps
from pose_activity.stage1_pose import fit, kept_graph, predict, validate
from pose_activity.stage1_pose.average_precision import oks_map
from pose_activity.stage1_pose.evaluate import derived_pckh, pckh
from pose_activity.stage1_pose.export import export
from pose_activity.stage1_pose.regression import FIGURES, compare, figures
from pose_activity.stage1_pose.training_labels import add_unlabelled, contain_body
from pose_activity.stage1_pose.weights import are_trained
from pose_activity.training.console import console, say, say_notes, say_rows
from pose_activity.training.pictures.seen_poses import seen_note
from pose_activity.training.pictures.steps import stage1_samples
from pose_activity.training.pose_weights import find_weights
from pose_activity.training.steps import Counts

PARITY_IMAGES = 8  # pictures on which an exported graph is compared with its model
SEEN_PICTURES = 200  # of train, on which poses are measured too
PSEUDO_LABEL_SCORE = 0.5  # from which a found person without a label is trained on
METRICS, JUDGED, START = "metrics.json", "judged.parquet", "start"


def make_stage1(run: PictureRun, folder: Path) -> Counts:
    """Trains the pose model, or uses it as it is; exports it and measures it.

    Raises:
        ValueError: training made the poses worse, and that is not allowed; the trained weights
            stay.
    """
    section = run.stage1
    (folder / METRICS).unlink(missing_ok=True)  # of an attempt that was not finished
    if section.parts:
        maps.copy(section.parts, folder)
    if section.graph:
        kept_graph.copy(section.graph, folder)
        return {}
    samples = read_samples(run.run_dir / stage1_samples(run))
    weights, metrics = find_weights(section.weights), {}
    skeleton, fine_tuned = SKELETONS[section.skeleton], False
    if section.train:
        fine_tuned = are_trained(weights) and export_start(run, samples, weights, folder)
        skeleton = samples[0].skeleton
        weights, metrics = train_poses(run, samples, weights, folder, fine_tuned=fine_tuned)
    export_poses(run, samples, weights, folder, skeleton)
    if any(len(sample.boxes) for sample in samples):
        metrics |= measure_poses(run, samples, folder, _judged(samples))
        metrics |= measure_seen(run, samples, folder) if section.train else {}
        note = seen_note(metrics) if run.stage2 else None
        say_notes([note] if note else [])
        metrics |= compare_with_start(run, samples, folder) if fine_tuned else {}
        write_json(folder / METRICS, metrics)
    resumed = fit.resumed_after(folder) if section.train else []
    return metrics | ({"resumed_after_epochs": resumed} if resumed else {})


def export_start(run: PictureRun, samples: Sequence[Sample], weights: Path, folder: Path) -> bool:
    """Exports the weights that training starts from; returns whether they can be asked."""
    try:
        export_poses(run, samples, weights, folder / START, SKELETONS[run.stage1.skeleton])
    except (ValueError, RuntimeError) as error:  # such as weights of another skeleton
        say_notes([f"what training starts from is not compared with its result: {error}"])
        return False
    return True


def train_poses(
    run: PictureRun,
    samples: Sequence[Sample],
    weights: Path,
    folder: Path,
    *,
    fine_tuned: bool,
) -> tuple[Path, dict[str, Any]]:
    """Trains on the samples' joints; returns the best weights and ultralytics' figures."""
    remove_tree(folder / "dataset")
    section = run.stage1.fit
    # Pictures of test come last: how the others are numbered does not depend on them.
    used = sorted((s for s in samples if s.split), key=lambda sample: sample.split == "test")
    used = [contain_body(sample, margin=run.stage1.box_margin) for sample in used]
    counts = {}
    if fine_tuned and run.stage1.unlabelled_people == "pseudo_label":
        used, counts = label_others(run, used, folder)
    data = yolo.write_yolo(
        used, folder / "dataset", skeleton=samples[0].skeleton, resize=run.stage1.resize
    )
    with progress_bar("training stage 1", console) as show:
        best = fit.fit(
            data,
            weights,
            folder,
            section,
            seed=run.seed,
            threads=run.threads,
            logs=run.run_dir / "logs" / "stage1",
            on_progress=show,
        )
    metrics = validate.validate(
        best,
        data,
        split=_judged(samples),
        image_size=section.image_size,
        pose=section.pose,
        device=section.device,
        threads=run.threads,
    )
    if not all(np.isfinite(value) for value in metrics.values()):
        raise FloatingPointError(
            f"Stage 1's figures must be finite. Received: {metrics}. Lower stage1.fit.lr0."
        )
    return best, metrics | counts


def label_others(
    run: PictureRun, samples: Sequence[Sample], folder: Path
) -> tuple[list[Sample], dict[str, Any]]:
    """Adds to the pictures of train whom the start finds and the labels leave out; says so."""
    images = [sample.image for sample in samples if sample.split == "train"]
    found = find_poses(run, images, folder / START, folder / START / JUDGED).poses
    labelled, counts = [], []
    for sample in samples:
        if sample.split == "train" and sample.image in found:
            pose = found[sample.image]
            sample, count = add_unlabelled(sample, pose, min_score=PSEUDO_LABEL_SCORE)
            counts.append(count)
        labelled.append(sample)
    people, pictures = sum(counts), sum(count > 0 for count in counts)
    if people:
        text = f"{people:,} people in {pictures:,} of the {len(images):,} training pictures have "
        say_notes([f"{text}no label: they are trained on as the start finds them"])
    return labelled, {"pseudo_labelled": {"people": people, "pictures": pictures}}


def compare_with_start(run: PictureRun, samples: Sequence[Sample], folder: Path) -> dict[str, Any]:
    """Compares the trained model with its start on the pictures of val, and says how they did.

    Raises:
        ValueError: it became worse, and `on_regression` is "refuse".
    """
    found, labels = poses_of_split(run, samples, folder, "val")
    before, _ = poses_of_split(run, samples, folder / START, "val")
    compared = compare(before, found, labels)
    if compared is None:
        say_notes(["the result is not compared with its start: they share no joint of the labels"])
        return {}
    say_rows(
        f"start and result on {compared.images:,} pictures of val, {len(compared.joints)} joints",
        [
            {"figure": text, "start": _figure(value), "result": _figure(compared.result[name])}
            for name, text in FIGURES.items()
            if (value := compared.start[name]) is not None
        ],
    )
    worse = f"Training made the poses worse on val: {', '.join(compared.falls)}. "
    if compared.falls and run.stage1.on_regression == "refuse":
        raise ValueError(
            f"{worse}The trained weights are kept: {folder / 'best.pt'}. To go on with the weights "
            "that training started from, set stage1.train: false; with the trained ones all the "
            "same, stage1.on_regression: warn"
        )
    if compared.falls:
        say_notes([f"WARNING: {worse}They are used, since stage1.on_regression is warn"])
    return {"compared": asdict(compared) | {"split": "val", "falls": compared.falls}}


def measure_seen(run: PictureRun, samples: Sequence[Sample], folder: Path) -> dict[str, Any]:
    """Measures the poses of pictures that were trained on: how much better than on new ones?"""
    found, labels = poses_of_split(run, samples, folder, "train", most=SEEN_PICTURES)
    return {"seen": {"n": len(labels), **figures(found, labels)}}


def export_poses(
    run: PictureRun, samples: Sequence[Sample], weights: Path, folder: Path, skeleton: Any
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


def measure_poses(
    run: PictureRun, samples: Sequence[Sample], stage1: Path, split: str
) -> dict[str, Any]:
    """Compares the poses of an exported graph with the labelled joints of a split."""
    found, labelled = poses_of_split(run, samples, stage1, split)
    return {
        "split": split,
        "n": len(labelled),
        **pckh(found, labelled),
        **oks_map(found, labelled),
        **derived_pckh(found, labelled),
    }


def judged_poses(
    run: PictureRun, samples: Sequence[Sample], stage1: Path
) -> tuple[list[Poses], list[Sample]]:
    """Returns what a graph finds in the labelled pictures that figures are of, and their labels."""
    return poses_of_split(run, samples, stage1, _judged(samples))


def poses_of_split(
    run: PictureRun,
    samples: Sequence[Sample],
    stage1: Path,
    split: str,
    *,
    most: int | None = None,
) -> tuple[list[Poses], list[Sample]]:
    """Returns what a graph finds in the labelled pictures of a split, and their labels.

    Args:
        run: The whole configuration.
        samples: Of stage 1.
        stage1: Folder of the graph; what it found is kept there.
        split: "train", "val" or "test".
        most: So many pictures at most, evenly spaced; None takes all.
    """
    asked = [s for s in samples if s.split == split and len(s.boxes)]
    if most is not None and len(asked) > most:
        asked = [asked[i] for i in np.linspace(0, len(asked) - 1, most).astype(int)]
    found = find_poses(run, [s.image for s in asked], stage1, stage1 / JUDGED)
    readable = [sample for sample in asked if sample.image in found.poses]
    return [found.poses[sample.image] for sample in readable], readable


def pose_loader(run: PictureRun, stage1: Path) -> Callable[[], predict.PosePredictor]:
    """Returns what loads the graph in folder `stage1` once, when it is first asked for."""

    @cache
    def load() -> predict.PosePredictor:
        return predict.load(stage1, threads=run.threads, keep=run.stage1.predict)

    return load


def find_poses(
    run: PictureRun,
    images: Sequence[Path],
    stage1: Path,
    path: Path,
    load: Callable[[], predict.PosePredictor] | None = None,
) -> poses.Found:
    """Asks the graph in folder `stage1` about the pictures that the file `path` does not know.

    Args:
        run: The whole configuration.
        images: The pictures.
        stage1: Folder of the graph.
        path: What `cache.poses` keeps there.
        load: See `pose_loader`; None loads the graph for this call.
    """
    predictor, source = load or pose_loader(run, stage1), source_of(run, stage1)

    def find(pixels: Sequence[np.ndarray], paths: Sequence[Path]) -> list[Poses]:
        return predictor()(pixels, paths)

    with progress_bar("finding poses", console) as show:
        return poses.find(path, images, find, source=source, on_progress=show)


def source_of(run: PictureRun, stage1: Path) -> dict[str, Any]:
    """Returns what identifies the graph in folder `stage1` and its settings."""
    sidecar = predict.read_sidecar(stage1)
    of_graph = {name: sidecar[name] for name in ("sha256", "size")}
    return of_graph | run.stage1.predict.arguments()


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _is_readable(image: Path) -> bool:
    try:
        load_rgb(image)
    except ImageError:
        return False
    return True


def _judged(samples: Sequence[Sample]) -> str:
    """Returns the split of stage 1's figures: test, or val if there is no test."""
    return "test" if any(sample.split == "test" for sample in samples) else "val"
