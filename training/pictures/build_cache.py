"""The step `cache`: poses are found, planes drawn, tensors stored."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pose_activity.annotations.names import MPII_ACTIVITIES
from pose_activity.annotations.sample_files import read_samples
from pose_activity.artifacts import csv_text
from pose_activity.artifacts.atomic import replacing
from pose_activity.artifacts.names import shown
from pose_activity.cache import poses, store
from pose_activity.cache.planes import Recipe
from pose_activity.cache.store import StoredTensors
from pose_activity.configs.pictures import PictureRun
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_parts import maps
from pose_activity.stage1_parts import predict as parts
from pose_activity.training.console import console, say, say_notes
from pose_activity.training.pictures.match_people import (
    Selection,
    Unmatched,
    each_person,
    whole_pictures,
)
from pose_activity.training.pictures.poses import poses_of
from pose_activity.training.steps import Counts, MadeFrom

UNMATCHED = "unmatched.csv"


def make_cache(run: PictureRun, folder: Path, asked: MadeFrom[StoredTensors[Recipe]]) -> Counts:
    """Draws every picture's planes, or every person's, and stores them."""
    recipe = asked.recipe.recipe
    samples = read_samples(run.run_dir / "annotations" / "samples.jsonl")
    found = poses.Found()
    if recipe.needs_poses:
        found = poses_of(run, [sample.image for sample in samples], folder)
    say_notes(found.unreadable.values())
    readable = [sample for sample in samples if sample.image not in found.unreadable]
    choose = each_person if recipe.one_by_one else whole_pictures
    chosen = choose(readable, found.poses)
    if recipe.needs_parts:
        find = partial(maps.find, _load_parts(run))
        chosen.specs = [replace(spec, find_parts=find) for spec in chosen.specs]
    say_notes(chosen.notes)
    _write_unmatched(folder / UNMATCHED, chosen.unmatched if recipe.one_by_one else None)
    _check_splits(run, chosen, len(samples))
    with progress_bar("drawing planes", console) as show:
        cache, undecodable = store.build(
            folder,
            chosen.specs,
            recipe=recipe,
            classes=_classes(run, {source.label for source in chosen.specs}),
            inputs=asked.inputs,
            tensors=asked.recipe.tensors,
            threads=run.threads,
            on_size=say,
            on_progress=show,
        )
    say_notes(undecodable.values())
    counts = {
        "tensors": len(cache.entries),
        "unreadable": len(found.unreadable | undecodable),
        "unmatched": len(chosen.unmatched),
    }
    return counts


def _load_parts(run: PictureRun) -> parts.PartsNetwork:
    """Loads the run's parts network; it is asked by as many threads as draw planes."""
    return parts.load(run.run_dir / "stage1", threads=run.threads, streams=run.threads)


def _write_unmatched(path: Path, unmatched: Iterable[Unmatched] | None) -> None:
    """Writes the labels that became no tensor; other policies have no such file."""
    if unmatched is None:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv_text.Writer(file)
            writer.writerow(("image", "person", "activity", "reason"))
            for row in unmatched:
                person = "" if row.person is None else row.person
                writer.writerow((shown(row.image), person, row.activity, row.reason))


def _check_splits(run: PictureRun, chosen: Selection, pictures: int) -> None:
    """Refuses what would only fail after all training: a split that is needed and empty."""
    there = {source.split for source in chosen.specs}
    empty = [split for split in ("train", "val", run.report.split) if split not in there]
    if empty:
        raise ValueError(
            f"No tensor for {' and '.join(dict.fromkeys(empty))}: of {pictures} pictures, "
            f"{len(chosen.specs)} tensors could be made. Pictures that cannot be read and people "
            "that stage 1 did not find are named above; add pictures, or lower "
            "stage1.predict.confidence."
        )


def _classes(run: PictureRun, labels: set[str]) -> Sequence[str]:
    """Returns MPII's 20 categories for MPII, else what there is, sorted."""
    real_mpii = run.data.format == "mpii" and not run.draw and labels <= set(MPII_ACTIVITIES)
    return MPII_ACTIVITIES if real_mpii else sorted(labels)
