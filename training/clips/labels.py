"""The step `annotations` of a run on clips: clips are read and split; drawn ones are drawn first.

annotations/clips.parquet      every clip with a label and its split; with joints, if they came
                               with the labels
annotations/features.parquet   instead, where the labels are a table of features
annotations/rejections.csv     clips that are left out, and why
annotations/duplicates.csv     clips with the same content
annotations/SPLIT.txt          the names of each split's clips
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pose_activity.annotations import sample_files
from pose_activity.annotations.cleaning.duplicates import (
    describe_duplicates,
    find_same_clips,
    find_same_rows,
    write_duplicates,
)
from pose_activity.annotations.clip_files import write_clips
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.label_table import LabelTable, table_of_clips
from pose_activity.annotations.readers.feature_table import FeatureTable, write_features
from pose_activity.annotations.readers.registry import CLIPS as READERS
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.splitting import split
from pose_activity.annotations.synthetic import walkers
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS, Rejection
from pose_activity.artifacts.atomic import write_text
from pose_activity.configs.clips import ClipRun, DrawWalkers
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier.models.sequences.registry import check_options
from pose_activity.training import rejections
from pose_activity.training.clips.steps import CLIPS, FEATURES
from pose_activity.training.clips.unseen_identities import divide, people_of_scenes
from pose_activity.training.console import console, say_notes, say_rows
from pose_activity.training.drawn_data import draw_once
from pose_activity.training.steps import Counts

COPIES = "duplicates.csv"
_WITHOUT_LABEL = "empty_label"

Labels = list[Clip] | FeatureTable


def make_annotations(run: ClipRun, folder: Path) -> Counts:
    """Reads and splits the clips, or the table of features."""
    data, items, rejected = _labelled(run)
    # Written first, so that it is there if no split comes of it.
    sample_files.write_rejections(folder / rejections.FILE, rejected)
    _check_some_labelled(run, items, rejected)
    copies = _find_copies(data, items)
    done = _split(run, items, copies)
    _say_copies(copies, done)
    write_duplicates(folder / COPIES, copies, done)
    _write(folder, data, done.splits)
    _say(done, rejected)
    counts = {"rejected": len(rejected)}
    for name in SPLITS:
        names = [str(n) for n, split in zip(done.names, done.splits, strict=True) if split == name]
        counts[name] = len(names)
        write_text(folder / f"{name}.txt", "".join(f"{clip}\n" for clip in names))
    return counts


def _labelled(run: ClipRun) -> tuple[Labels, LabelTable, list[Rejection]]:
    """Returns what has a label, its table, and why other clips are left out."""
    _check_network(run)
    data = read_labels(run)
    if isinstance(data, FeatureTable):
        return data, _table_of_features(data), []
    rejected = [
        Rejection(Path(clip.name), _WITHOUT_LABEL, "it has no label")
        for clip in data
        if clip.label is None
    ]
    kept = [clip for clip in data if clip.label is not None]
    return kept, table_of_clips(kept), rejected


def _write(folder: Path, data: Labels, splits: tuple[str | None, ...]) -> None:
    if isinstance(data, FeatureTable):
        write_features(folder / FEATURES, replace(data, splits=splits))
    else:
        done = [replace(clip, split=split) for clip, split in zip(data, splits, strict=True)]
        write_clips(folder / CLIPS, done)


def _check_some_labelled(run: ClipRun, items: LabelTable, rejected: Sequence[Rejection]) -> None:
    """Refuses clips without any label; the message names the key that would give it."""
    if len(items):
        return
    hint = ""
    if run.clips.label_pattern is None and run.clips.prefix is None:
        hint = (
            " Set clips.label_pattern to a regular expression that finds it in their names, for "
            "example '(?P<label>.+)_[0-9]+'."
        )
    names = preview([str(rejection.image) for rejection in rejected])
    raise ValueError(
        f"{run.clips.path}: each clip must have a label. Received: {len(rejected)} clips without "
        f"one{f', {names}' * bool(names)}.{hint}"
    )


def read_labels(run: ClipRun) -> Labels:
    """Reads clips or features of any format, and reports what the reader left out or guessed."""
    notes: list[str] = []
    skeleton = run.clips.skeleton
    data = READERS[run.clips.format].read(
        run.clips.path,
        **run.clips.arguments("format", "path", "skeleton"),
        skeleton=None if skeleton is None else Skeleton.from_text(skeleton),
        on_note=notes.append,
    )
    say_notes(notes)
    return data


def _table_of_features(table: FeatureTable) -> LabelTable:
    none = (None,) * len(table.labels)
    names = table.names or tuple(f"{i:06d}" for i in range(len(table.labels)))
    return LabelTable(names, table.labels, table.groups or none, table.splits or none)


def _find_copies(data: Labels, items: LabelTable) -> list[list[str]]:
    """Returns sets of names of clips with the same content."""
    if isinstance(data, FeatureTable):
        return find_same_rows([*map(str, items.names)], data.vectors)
    with progress_bar("looking for copies", console) as show:
        return find_same_clips(data, on_progress=show)


def _say_copies(copies: Sequence[Sequence[str]], items: LabelTable) -> None:
    say_notes(describe_duplicates(copies, items, many="clips", labels="label"))


def _split(run: ClipRun, items: LabelTable, copies: Sequence[Sequence[str]]) -> LabelTable:
    """Splits by sizes, or keeps the split that the labels name; reports what was not possible.

    Raises:
        ValueError: a split that the run needs is empty.
    """
    if isinstance(run.split, str):
        done, notes = items, split.keep_given_clips(items)
    elif _has_split_folders(run, items) and not run.open_set:
        sizes = run.split.arguments("open_set")
        done, notes = split.fill_given_clips(items, **sizes, seed=run.seed, together=copies)
    else:
        sizes = run.split.arguments()
        done, notes = split.split_clips(items, **sizes, seed=run.seed, together=copies)
        if any(items.splits):
            notes.append("The labels name splits, which are not used. To keep them: split: given")
    say_notes(notes)
    _check_splits(run, done)
    return done


def _has_split_folders(run: ClipRun, items: LabelTable) -> bool:
    """Returns whether folders, rather than patterns or flags, say which split a clip is of."""
    data = run.clips
    patterns = (data.label_pattern, data.val_pattern, data.test_pattern)
    in_folders = READERS[data.format].keeps_splits and not any(patterns)
    return in_folders and any(items.splits)


def _check_splits(run: ClipRun, items: LabelTable) -> None:
    """Refuses what would only fail after all training."""
    labels: dict[str | None, set[str | None]] = defaultdict(set)
    for label, name in zip(items.labels, items.splits, strict=True):
        labels[name].add(label)
    names = labels["train"]
    if len(names) < 2:
        raise ValueError(
            "A classifier needs at least two classes, or people, in train. Received: "
            f"{sorted(filter(None, names))}. Does clips.path hold one folder each?"
        )
    held_out = run.report.split
    empty = [name for name in dict.fromkeys(("train", held_out)) if not labels[name]]
    if empty:
        raise ValueError(
            f"No clip for {' and '.join(empty)}: there are {len(items)}, and groups are not cut. "
            f"Add clips, change split ({run.split}), or the patterns, or report.split."
        )
    if run.open_set:
        if seen := sorted(map(str, labels[held_out] & names)):
            raise ValueError(
                f"With a gallery, the people of {held_out} must not be among those of train. "
                f"Received in both: {preview(seen)}. Drop report.gallery if they are meant to be."
            )
        _check_unseen(run, items.take(i for i, n in enumerate(items.splits) if n == held_out))
        return
    strange = labels[held_out] - names
    if strange:
        raise ValueError(
            f"{held_out} holds classes that train does not: {sorted(map(str, strange))}. "
            "For people that training never sees set split.open_set: true, with sizes."
        )


def _check_network(run: ClipRun) -> None:
    """Refuses names that the steps would only trip over after hours of watching videos."""
    if run.has_features:
        return
    Skeleton.from_text(run.sequence.skeleton)
    if run.stage2.encoder is None:
        check_options(run.stage2.model, run.stage2.options)


def _check_unseen(run: ClipRun, items: LabelTable) -> None:
    names, people = [*map(str, items.names)], [*map(str, items.labels)]
    if run.report.gallery is None:
        scenes = [group or name for group, name in zip(items.groups, names, strict=True)]
        people_of_scenes(people, scenes)
    else:
        divide(names, people, run.report.gallery, run.report.probes)


def _say(items: LabelTable, rejected: Sequence[Rejection]) -> None:
    counts = Counter(zip(items.labels, items.splits, strict=True))
    rows = [
        {"label": label, **{name: counts[label, name] for name in SPLITS}}
        for label in sorted({*filter(None, items.labels)})
    ]
    say_rows(f"{len(items)} clips", rows)
    if rejected:
        say_notes([f"{len(rejected)} clips are left out, see {rejections.FILE}"])


def try_annotations(run: ClipRun, *, strict: bool) -> None:
    """Reads, splits and checks the labels alone; writes nothing."""
    data, items, rejected = _labelled(run)
    _check_some_labelled(run, items, rejected)
    copies = _find_copies(data, items)
    done = _split(run, items, copies)
    _say_copies(copies, done)
    _say(done, [])
    if strict and rejected:
        raise ValueError(f"{len(rejected)} clips have no label")


def draw_data_set(draw: DrawWalkers, seed: int) -> None:
    """Draws the walkers of the `draw` section, unless they are there already.

    Raises:
        ValueError: the folder holds something that this function did not write.
    """

    def write() -> Path:
        with progress_bar("drawing", console) as show:
            folder = walkers.write(draw.folder, draw, seed=seed, on_progress=show)
        return folder / walkers.TRUTH

    draw_once(draw, seed, names=(walkers.TRUTH, walkers.VIDEOS), write=write)
