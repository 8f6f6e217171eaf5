"""The step `annotations`: labels are read, mended and split; a drawn data set is drawn first."""

import csv
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from annotations import clean, images, samples, split, synthetic
from annotations.draw_cleaning import cleaning_gallery
from annotations.folder import read_folder
from annotations.mpii import read_mpii
from annotations.types import Sample
from artifacts import manifest
from artifacts.atomic import write_json, write_text
from artifacts.lock import locked
from configs import schema
from inference.progress import progress_bar
from training.say import console, say_notes, say_rows
from training.steps import Made


def make_annotations(run: schema.Run, folder: Path) -> Made:
    """Reads, mends and splits the labels."""
    cleaned = clean_labels(run, folder / "cleaning.json", check_images=True)
    samples.write_rejections(folder / "rejections.csv", cleaned.rejected)
    images.write_image(folder / "cleaning.png", cleaning_gallery(cleaned.cases))
    outputs = []
    roles = {"samples.jsonl": run.split, "stage1.jsonl": run.stage1.split}
    for name, sizes in roles.items():
        if sizes:
            kept, notes = split.split(cleaned.kept, **sizes.arguments(), seed=run.seed)
            samples.write_samples(folder / name, kept)
            outputs.append(folder / name)
            say_notes(notes)
            if run.data.format == "mpii":
                say_rows(f"average joints per image, {name}", split.average_joints(kept))
    kept = samples.read_samples(folder / "samples.jsonl")
    _check_splits(run, kept)
    counts = {}
    for name in split.SPLITS:
        paths = [sample.image for sample in kept if sample.split == name]
        counts[name] = len(paths)
        write_text(folder / f"{name}.txt", "".join(f"{path.as_posix()}\n" for path in paths))
    return outputs, counts


def _check_splits(run: schema.Run, kept: Sequence[Sample]) -> None:
    """Refuses what would only fail after all training: a split that is needed and empty."""
    counts = Counter(sample.split for sample in kept)
    needed = {"train", "val", run.report.split}
    empty = [name for name in split.SPLITS if name in needed and not counts[name]]
    if empty:
        raise ValueError(
            f"No picture for {' and '.join(empty)}: {len(kept)} are left after cleaning, "
            f"and groups are not cut. Add pictures, or change {run.split.arguments()}."
        )


def refuse_rejections(run: schema.Run) -> None:
    """Raises ValueError where the finished step rejected anything."""
    path = run.run_dir / "annotations" / "rejections.csv"
    with path.open(newline="", errors="surrogateescape") as file:
        count = sum(1 for _ in csv.reader(file)) - 1
    if count:
        raise ValueError(f"{count} rejections, see {path}")


def try_annotations(run: schema.Run, *, strict: bool) -> None:
    """Reads and checks the labels alone; leaves a finished step's report as it is."""
    folder = run.run_dir / "annotations"
    finished = manifest.read(folder) is not None
    name = "cleaning_dry_run.json" if finished else "cleaning.json"
    cleaned = clean_labels(run, folder / name, check_images=False)
    if strict and cleaned.rejected:
        raise ValueError(f"{len(cleaned.rejected)} rejections, see {folder / name}")


def clean_labels(run: schema.Run, path: Path, *, check_images: bool) -> clean.Cleaned:
    """Reads and mends the labels, says what was done, and writes the report to `path`."""
    if run.data.annotations:
        samples = read_mpii(run.data.annotations, run.data.images)
    else:
        samples = read_folder(run.data.images, group_pattern=run.data.group_pattern)
    with progress_bar("cleaning", console) as show:
        cleaned = clean.clean(
            samples,
            **run.clean.arguments(),
            need_keypoints=run.data.format == "mpii",
            check_images=check_images,
            root=run.data.images,
            on_progress=show,
        )
    report = cleaned.report
    write_json(path, report)
    heads = ("entries", "with_keypoints", "with_activity", "kept")
    rows = [(head, report[head]) for head in heads] + [*report["rules"].items()]
    say_rows("cleaning", [{"rule": name, "count": count} for name, count in rows])
    say_notes(cleaned.notes)
    return cleaned


def draw_data_set(draw: schema.Draw, seed: int) -> None:
    """Draws the data set of the `draw` section, unless it is there already.

    Raises:
        ValueError: the folder holds something that this function did not write.
    """
    recipe = {**draw.model_dump(mode="json"), "seed": seed}
    with locked(draw.folder):
        if not manifest.why_stale(draw.folder, recipe=recipe, inputs={}):
            return
        _empty_drawing(draw.folder)
        with progress_bar("drawing", console) as show:
            labels = synthetic.write(
                draw.folder,
                images=draw.images,
                size=(draw.width, draw.height),
                faults=draw.faults,
                seed=seed,
                on_progress=show,
            )
        manifest.write(draw.folder, recipe=recipe, inputs={}, outputs=[labels])


def _empty_drawing(folder: Path) -> None:
    """Removes an earlier drawing; nobody else's files."""
    marker = folder / ".drawn"
    if not marker.exists() and {path.name for path in folder.iterdir()} - {".lock"}:
        raise ValueError(
            f"draw.folder must be new, empty or an earlier drawing. {folder} holds other files: "
            "name another folder."
        )
    marker.touch()
    for name in (manifest.NAME, "release.mat", "faults.json"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "images", ignore_errors=True)
