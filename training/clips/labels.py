"""The step `annotations` of a run on clips: clips are read and split; drawn ones are drawn first.

annotations/clips.parquet      every clip with a label and its split; with joints, if they came
                               with the labels
annotations/features.parquet   instead, where the labels are a table of features
annotations/rejections.csv     clips that are left out, and why
annotations/duplicates.csv     clips with the same content
annotations/SPLIT.txt          the names of each split's clips
"""

from collections import Counter
from collections.abc import Callable, Sequence
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
from pose_activity.annotations.readers.feature_table import read_features, write_features
from pose_activity.annotations.readers.openpose import read_pose_folder
from pose_activity.annotations.readers.penn_action import read_penn_action
from pose_activity.annotations.readers.pose_archives import read_flat_archive, read_pose_archive
from pose_activity.annotations.readers.video_folder import read_video_folder
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.splitting import split
from pose_activity.annotations.synthetic import walkers
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS, Rejection, Sample
from pose_activity.artifacts.atomic import write_text
from pose_activity.configs.clips import ClipRun, Clips, DrawWalkers
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier.models.sequences.registry import check_options
from pose_activity.training import rejections
from pose_activity.training.clips.steps import CLIPS, FEATURES
from pose_activity.training.clips.unseen_identities import divide, people_of_scenes
from pose_activity.training.console import console, say_notes, say_rows
from pose_activity.training.drawn_data import draw_once
from pose_activity.training.steps import Made

COPIES = "duplicates.csv"
_WITHOUT_LABEL = "empty_label"


def make_annotations(run: ClipRun, folder: Path) -> Made:
    """Reads and splits the clips, or the table of features."""
    kept, rejected = _labelled(run)
    sample_files.write_rejections(
        folder / rejections.FILE, rejected
    )  # there if no split comes of it
    _check_some_labelled(run, kept, rejected)
    copies = _find_copies(run, kept)
    done = _split(run, kept, copies)
    write_duplicates(folder / COPIES, *_say_copies(copies, done))
    output = folder / (FEATURES if run.has_features else CLIPS)
    if run.has_features:
        table = replace(read_features(run.clips.path), splits=tuple(clip.split for clip in done))
        write_features(output, table)
    else:
        write_clips(output, done)
    _say(done, rejected)
    counts = {"rejected": len(rejected)}
    for name in SPLITS:
        names = [clip.name for clip in done if clip.split == name]
        counts[name] = len(names)
        write_text(folder / f"{name}.txt", "".join(f"{clip}\n" for clip in names))
    return [output], counts


def _labelled(run: ClipRun) -> tuple[list[Clip], list[Rejection]]:
    """Returns the clips with a label, and why the others are left out."""
    _check_network(run)
    found = read_labels(run)
    rejected = [
        Rejection(Path(clip.name), _WITHOUT_LABEL, "it has no label")
        for clip in found
        if clip.label is None
    ]
    return [clip for clip in found if clip.label is not None], rejected


def _check_some_labelled(run: ClipRun, kept: Sequence[Clip], rejected: Sequence[Rejection]) -> None:
    """Refuses clips of which none has a label, with the key that would say it."""
    if kept:
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


def read_labels(run: ClipRun) -> list[Clip]:
    """Reads clips of any format, and says what the reader left out or guessed."""
    notes: list[str] = []
    clips = _read(run.clips, on_note=notes.append)
    say_notes(notes)
    return clips


def _read(data: Clips, *, on_note: Callable[[str], None]) -> list[Clip]:
    names = ("label_pattern", "group_pattern", "val_pattern", "test_pattern")
    patterns = {name: getattr(data, name) for name in names}
    match data.format:
        case "videos":
            return read_video_folder(data.path, **patterns, ranges=data.ranges, on_note=on_note)
        case "openpose":
            return read_pose_folder(data.path, **patterns, fps=data.fps, on_note=on_note)
        case "penn_action":
            return read_penn_action(data.path, fps=data.fps, on_note=on_note)
        case "features":
            return _clips_of_features(data.path)
    options = {"fps": data.fps, "skeleton": _skeleton(data), "on_note": on_note}
    if data.prefix is not None:
        return read_flat_archive(data.path, prefix=data.prefix, **options)
    return read_pose_archive(data.path, **patterns, min_score=data.min_score, **options)


def _skeleton(data: Clips) -> Skeleton | None:
    return None if data.skeleton is None else Skeleton.from_text(data.skeleton)


def _clips_of_features(path: Path) -> list[Clip]:
    """Returns a clip without joints for each vector, so that vectors are split like clips."""
    table = read_features(path)
    empty = (None,) * len(table.labels)
    names = table.names or tuple(f"{i:06d}" for i in range(len(table.labels)))
    rows = zip(names, table.labels, table.groups or empty, table.splits or empty, strict=True)
    return [
        Clip(name=name, source=path, label=label, group=group, split=role)
        for name, label, group, role in rows
    ]


def _find_copies(run: ClipRun, clips: Sequence[Clip]) -> list[list[str]]:
    """Returns sets of names of clips with the same content."""
    if run.has_features:
        return find_same_rows([clip.name for clip in clips], read_features(run.clips.path).vectors)
    with progress_bar("looking for copies", console) as show:
        return find_same_clips(clips, on_progress=show)


def _say_copies(
    copies: Sequence[Sequence[str]], clips: Sequence[Clip]
) -> tuple[list[list[Path]], list[Sample]]:
    """Says what the copies mean for the split; returns them as `write_duplicates` takes them."""
    sets, alike = split.copies_as_samples(clips, copies)
    say_notes(describe_duplicates(sets, alike, many="clips", labels="label"))
    return sets, alike


def _split(run: ClipRun, clips: Sequence[Clip], copies: Sequence[Sequence[str]]) -> list[Clip]:
    """Splits by sizes, or keeps the split that the labels name; says what it could not do.

    Raises:
        ValueError: a split that the run needs is empty.
    """
    if isinstance(run.split, str):
        done, notes = [*clips], split.keep_given_clips(clips)
    elif _has_split_folders(run, clips) and not run.open_set:
        sizes = run.split.arguments("open_set")
        done, notes = split.fill_given_clips(clips, **sizes, seed=run.seed, together=copies)
    else:
        sizes = run.split.arguments()
        done, notes = split.split_clips(clips, **sizes, seed=run.seed, together=copies)
        if any(clip.split for clip in clips):
            notes.append("The labels name splits, which are not used. To keep them: split: given")
    say_notes(notes)
    _check_splits(run, done)
    return done


def _has_split_folders(run: ClipRun, clips: Sequence[Clip]) -> bool:
    """Tells whether folders, rather than patterns or flags, say which split a clip is of."""
    data = run.clips
    patterns = (data.label_pattern, data.val_pattern, data.test_pattern)
    in_folders = data.format in ("videos", "openpose") and not any(patterns)
    return in_folders and any(clip.split for clip in clips)


def _check_splits(run: ClipRun, clips: Sequence[Clip]) -> None:
    """Refuses what would only fail after all training."""
    names = {clip.label for clip in clips if clip.split == "train"}
    if len(names) < 2:
        raise ValueError(
            "A classifier needs at least two classes, or people, in train. Received: "
            f"{sorted(filter(None, names))}. Does clips.path hold one folder each?"
        )
    counts = Counter(clip.split for clip in clips)
    empty = [name for name in dict.fromkeys(("train", run.report.split)) if not counts[name]]
    if empty:
        raise ValueError(
            f"No clip for {' and '.join(empty)}: there are {len(clips)}, and groups are not cut. "
            f"Add clips, change split ({run.split}), or the patterns, or report.split."
        )
    if run.open_set:
        _check_strangers(run, [clip for clip in clips if clip.split == run.report.split])
        return
    strange = {clip.label for clip in clips if clip.split == run.report.split} - names
    if strange:
        raise ValueError(
            f"{run.report.split} holds classes that train does not: {sorted(map(str, strange))}. "
            "For people that training never sees set split.open_set: true, with sizes."
        )


def _check_network(run: ClipRun) -> None:
    """Refuses names that the steps would only trip over after hours of watching videos."""
    if run.has_features:
        return
    Skeleton.from_text(run.sequence.skeleton)
    if run.stage2.encoder is None:
        check_options(run.stage2.model, run.stage2.options)


def _check_strangers(run: ClipRun, clips: Sequence[Clip]) -> None:
    names, people = [clip.name for clip in clips], [str(clip.label) for clip in clips]
    if run.report.gallery is None:
        people_of_scenes(people, [clip.group or clip.name for clip in clips])
    else:
        divide(names, people, run.report.gallery)


def _say(clips: Sequence[Clip], rejected: Sequence[Rejection]) -> None:
    rows = []
    for label in sorted({clip.label or "" for clip in clips}):
        of_label = Counter(clip.split for clip in clips if clip.label == label)
        rows.append({"label": label, **{name: of_label[name] for name in SPLITS}})
    say_rows(f"{len(clips)} clips", rows)
    if rejected:
        say_notes([f"{len(rejected)} clips are left out, see {rejections.FILE}"])


def try_annotations(run: ClipRun, *, strict: bool) -> None:
    """Reads, splits and checks the labels alone; writes nothing."""
    kept, rejected = _labelled(run)
    _check_some_labelled(run, kept, rejected)
    copies = _find_copies(run, kept)
    done = _split(run, kept, copies)
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
        options = draw.arguments("folder")
        with progress_bar("drawing", console) as show:
            walkers.write(draw.folder, **options, seed=seed, on_progress=show)
        return draw.folder / walkers.TRUTH

    recipe = {**draw.model_dump(mode="json"), "seed": seed}
    names = (walkers.TRUTH, walkers.VIDEOS)
    draw_once(draw.folder, recipe=recipe, names=names, draw=write)
