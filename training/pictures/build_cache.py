"""The step `cache`: poses are found, planes drawn, tensors stored."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from pose_activity.annotations.names import MPII_ACTIVITIES
from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.types import Sample
from pose_activity.artifacts import csv_text
from pose_activity.artifacts.atomic import replacing, write_bytes
from pose_activity.artifacts.names import shown
from pose_activity.artifacts.shards import UNDIVIDED, Shard
from pose_activity.cache import poses, store
from pose_activity.cache.planes import Recipe
from pose_activity.cache.store import StoredTensors
from pose_activity.configs.pictures import PictureRun
from pose_activity.stage1_parts import maps
from pose_activity.stage1_parts import predict as parts
from pose_activity.training.cache_step import build_tensors, counts_of, merge_tensors
from pose_activity.training.console import say_notes
from pose_activity.training.pictures.match_people import (
    Unmatched,
    each_person,
    whole_pictures,
)
from pose_activity.training.pictures.poses import poses_of
from pose_activity.training.pictures.stage1 import pose_loader, source_of
from pose_activity.training.pictures.steps import SAMPLES
from pose_activity.training.steps import Counts, MadeFrom

UNMATCHED = "unmatched.csv"


class PictureCacheMaker:
    """A `training.cache_step.CacheMaker`; a graph is loaded when it is first asked for."""

    def __init__(self, run: PictureRun) -> None:
        self.items = read_samples(run.run_dir / SAMPLES)
        self._run, stage1 = run, run.run_dir / "stage1"
        self._pose = pose_loader(run, stage1)
        # The parts network is asked by as many threads as draw planes.
        self._parts = cache(partial(parts.load, stage1, threads=run.threads, streams=run.threads))

    def draw(
        self,
        folder: Path,
        asked: MadeFrom[StoredTensors[Recipe]],
        items: Sequence[Sample],
        shard: Shard = UNDIVIDED,
    ) -> Counts:
        """Draws every picture's planes, or every person's, and stores them."""
        run, recipe = self._run, asked.recipe.recipe
        found = poses.Found()
        if recipe.needs_poses:
            found = poses_of(run, [sample.image for sample in items], folder, self._pose)
        say_notes(found.unreadable.values())
        readable = [sample for sample in items if sample.image not in found.unreadable]
        choose = each_person if recipe.one_by_one else whole_pictures
        chosen = choose(readable, found.poses)
        if recipe.needs_parts:
            find = partial(maps.find, self._parts())
            chosen.specs = [replace(spec, find_parts=find) for spec in chosen.specs]
        say_notes(chosen.notes)
        _write_unmatched(folder / UNMATCHED, chosen.unmatched if recipe.one_by_one else None)
        if shard == UNDIVIDED:
            _check_splits(run, {spec.split for spec in chosen.specs}, len(items), len(chosen.specs))
        built, undecodable = build_tensors(
            folder,
            asked,
            chosen.specs,
            classes=_classes(run, {source.label for source in chosen.specs}),
            threads=run.threads,
            shard=shard,
            title="drawing planes",
        )
        say_notes(undecodable.values())
        return {
            "tensors": len(built.entries),
            "unreadable": len(found.unreadable | undecodable),
            "unmatched": len(chosen.unmatched),
        }

    def merge(
        self, folder: Path, asked: MadeFrom[StoredTensors[Recipe]], parts: Sequence[Path]
    ) -> Counts:
        """See `CacheMaker`."""
        run, recipe = self._run, asked.recipe.recipe
        if recipe.needs_poses and run.cache.poses == "stage1":
            source = source_of(run, run.run_dir / "stage1")
            poses.merge(folder / poses.FILE, [part / poses.FILE for part in parts], source=source)
        _merge_unmatched(folder / UNMATCHED, [part / UNMATCHED for part in parts])
        entries = [entry for part in parts for entry in store.open_cache(part).entries]
        _check_splits(run, {entry.split for entry in entries}, len(self.items), len(entries))
        labels = {label for part in parts for label in counts_of(part)["classes"]}
        counted = ("tensors", "unreadable", "unmatched")
        return merge_tensors(folder, asked, parts, classes=_classes(run, labels), counted=counted)


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


def _merge_unmatched(path: Path, parts: Sequence[Path]) -> None:
    """Puts files of `_write_unmatched` together, where there are any."""
    there = [part for part in parts if part.exists()]
    if not there:
        path.unlink(missing_ok=True)
        return
    write_bytes(path, csv_text.joined(there))


def _check_splits(run: PictureRun, there: Collection[str], pictures: int, tensors: int) -> None:
    """Refuses what would only fail after all training: a split that is needed and empty."""
    empty = [split for split in ("train", "val", run.report.split) if split not in there]
    if empty:
        raise ValueError(
            f"No tensor for {' and '.join(dict.fromkeys(empty))}: of {pictures} pictures, "
            f"{tensors} tensors could be made. Pictures that cannot be read and people "
            "that stage 1 did not find are named above; add pictures, or lower "
            "stage1.predict.confidence."
        )


def _classes(run: PictureRun, labels: set[str]) -> Sequence[str]:
    """Returns MPII's 20 categories for MPII, else what there is, sorted."""
    real_mpii = run.data.format == "mpii" and not run.draw and labels <= set(MPII_ACTIVITIES)
    return MPII_ACTIVITIES if real_mpii else sorted(labels)
