"""The step `annotations`: labels are read, mended and split; a drawn data set is drawn first."""

import shutil
from pathlib import Path

from annotations import clean, images, samples, split, synthetic
from annotations.draw_cleaning import cleaning_gallery
from annotations.folder import read_folder
from annotations.mpii import read_mpii
from artifacts import manifest
from artifacts.atomic import write_json, write_text
from configs import schema
from inference.progress import progress_bar
from training.say import console, say_notes, say_rows
from training.steps import Made


def make_annotations(run: schema.Run, folder: Path, *, strict: bool) -> Made:
    """Reads, mends and splits the labels."""
    cleaned = clean_labels(run, folder / "cleaning.json", check_images=True)
    samples.write_rejections(folder / "rejections.csv", cleaned.rejected)
    images.write_image(folder / "cleaning.png", cleaning_gallery(cleaned.cases))
    if strict and cleaned.rejected:
        raise ValueError(f"{len(cleaned.rejected)} rejections, see {folder / 'rejections.csv'}")
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
    counts = {}
    for name in split.SPLITS:
        paths = [sample.image for sample in kept if sample.split == name]
        counts[name] = len(paths)
        write_text(folder / f"{name}.txt", "".join(f"{path.as_posix()}\n" for path in paths))
    return outputs, counts


def try_annotations(run: schema.Run) -> None:
    """Reads and checks the labels alone; leaves a finished step's report as it is."""
    folder = run.run_dir / "annotations"
    finished = manifest.read(folder) is not None
    name = "cleaning_dry_run.json" if finished else "cleaning.json"
    clean_labels(run, folder / name, check_images=False)


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
    """Draws the data set of the `draw` section, unless it is there already."""
    recipe = {**draw.model_dump(mode="json"), "seed": seed}
    if not manifest.why_stale(draw.folder, recipe=recipe, inputs={}):
        return
    shutil.rmtree(draw.folder, ignore_errors=True)
    size = (draw.width, draw.height)
    with progress_bar("drawing", console) as show:
        labels = synthetic.write(
            draw.folder,
            images=draw.images,
            size=size,
            faults=draw.faults,
            seed=seed,
            on_progress=show,
        )
    manifest.write(draw.folder, recipe=recipe, inputs={}, outputs=[labels])
