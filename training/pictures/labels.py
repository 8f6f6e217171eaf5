"""The step `annotations`: labels are read, fixed and split; a drawn data set is drawn first."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pose_activity.annotations import images, sample_files
from pose_activity.annotations.cleaning import clean, inspected
from pose_activity.annotations.cleaning.duplicates import (
    describe_duplicates,
    find_duplicates,
    write_duplicates,
)
from pose_activity.annotations.cleaning.gallery import cleaning_gallery
from pose_activity.annotations.cleaning.near_duplicates import (
    crossing_notes,
    describe_counts,
    find_near_duplicates,
)
from pose_activity.annotations.label_table import table_of_samples
from pose_activity.annotations.readers.coco import write_coco
from pose_activity.annotations.readers.registry import PICTURES as READERS
from pose_activity.annotations.splitting import split
from pose_activity.annotations.synthetic import pictures
from pose_activity.annotations.types import SPLITS, Sample
from pose_activity.artifacts import manifest
from pose_activity.artifacts.atomic import write_json, write_text
from pose_activity.configs.pictures import Data, Draw, PictureRun
from pose_activity.configs.sections import Split
from pose_activity.runtime.progress import progress_bar
from pose_activity.training import rejections
from pose_activity.training.console import console, say, say_notes, say_rows
from pose_activity.training.drawn_data import draw_once
from pose_activity.training.file_digest import FileDigests
from pose_activity.training.own_files import INSPECTED
from pose_activity.training.pictures import stage1_overlap
from pose_activity.training.steps import Counts

_MOST_ACTIVITIES = 200  # rows of the table


def make_annotations(run: PictureRun, folder: Path) -> Counts:
    """Reads, fixes and splits the labels."""
    looked = inspected.read(run.run_dir / "annotations" / INSPECTED, FileDigests(run.run_dir).of)
    cleaned = clean_labels(run, folder / "cleaning.json", read_size=looked.size)
    sample_files.write_rejections(folder / rejections.FILE, cleaned.rejected)
    images.write_drawing(folder / "cleaning.png", cleaning_gallery(cleaned.cases))
    _check_some_kept(run, cleaned)
    with progress_bar("looking for copies", console) as show:
        copies = find_duplicates((sample.image for sample in cleaned.kept), on_progress=show)
    near = _find_near(run, cleaned.kept, looked)
    looked.write(folder / INSPECTED)
    say(describe_counts(copies, near))
    together = [*copies, *(near or ())]
    kept = _split(run, cleaned.kept, together)
    kept = split.with_groups_of(kept, together, root=run.data.folder)
    _write(folder / "samples.jsonl", kept)
    _check_splits(run, kept)
    _say_activities(kept)
    if run.stage1.split:
        pool = stage1_overlap.open_to_stage1(run, cleaned.kept, kept, together)
        own = _split_stage1(run, pool, together)
        _write(folder / "stage1.jsonl", own)
        say_notes(stage1_overlap.overlap_notes(own, kept) if run.stage2 else [])
    table = table_of_samples(kept)
    say_notes([*describe_duplicates(copies, table), *crossing_notes(near or (), table)])
    write_duplicates(folder / "duplicates.csv", copies, table)
    write_duplicates(folder / "near_duplicates.csv", near or (), table)
    write_coco(folder / "cleaned.coco.json", kept, root=run.data.images)
    counts = {}
    for name in SPLITS:
        paths = [sample.image for sample in kept if sample.split == name]
        counts[name] = len(paths)
        write_text(folder / f"{name}.txt", "".join(f"{path.as_posix()}\n" for path in paths))
    return counts


def _find_near(
    run: PictureRun, kept: Sequence[Sample], looked: inspected.Inspected
) -> list[list[Path]] | None:
    """Returns the sets of pictures that look nearly alike; None where that is not asked for."""
    if not run.data.near_duplicates:
        return None
    with progress_bar("looking for pictures that look alike", console) as show:
        images = (sample.image for sample in kept)
        return find_near_duplicates(
            images, hash_of=looked.hash, threads=run.threads, on_progress=show
        )


def _write(path: Path, kept: Sequence[Sample]) -> None:
    """Writes the samples of one stage, and prints how many joints they have."""
    sample_files.write_samples(path, kept)
    if any(len(sample.boxes) for sample in kept):
        say_rows(f"average joints per image, {path.name}", split.average_joints(kept))


def _split(
    run: PictureRun, kept: Sequence[Sample], copies: Sequence[Sequence[Path]]
) -> list[Sample]:
    """Splits by sizes, or keeps the split that the labels name; reports what was not possible."""
    named = any(sample.split for sample in kept)
    if isinstance(run.split, str):
        done, notes = [*kept], split.keep_given(kept)
    else:
        # Folders of splits are meant as such; a column of a table may have another purpose.
        fill = named and READERS[run.data.format].keeps_splits
        make = split.fill_given if fill else split.split
        done, notes = make(kept, **run.split.arguments(), seed=run.seed, together=copies)
        if named and make is split.split:
            notes.append("The labels name splits, which are not used. To keep them: split: given")
    say_notes(notes)
    return done


def _split_stage1(
    run: PictureRun, pool: Sequence[Sample], copies: Sequence[Sequence[Path]]
) -> list[Sample]:
    """Gives stage 1 splits of its own."""
    sizes = run.stage1.split or Split()
    try:
        done, notes = split.split(pool, **sizes.arguments(), seed=run.seed, together=copies)
    except ValueError as error:
        raise ValueError(
            f"stage1.split: {error}. It takes from the {len(pool):,} pictures that stage 2 does "
            "not hold out; with stage1.keep_apart: false from all of them"
        ) from None
    say_notes(notes)
    return done


def _say_activities(kept: Sequence[Sample]) -> None:
    """Prints how many pictures each activity has, per split if there are splits."""
    names = [name for name in SPLITS if any(sample.split == name for sample in kept)]
    counts = split.count_activities(kept)
    rows = [
        {"activity": activity, "pictures": of_it.total(), **{name: of_it[name] for name in names}}
        for activity, of_it in counts.items()
    ]
    if rows:
        say_rows(f"{len(rows):,} activities", rows[:_MOST_ACTIVITIES])
    if len(rows) > _MOST_ACTIVITIES:
        say_notes([f"{len(rows) - _MOST_ACTIVITIES:,} more activities are not shown here."])


def _check_some_kept(run: PictureRun, cleaned: clean.Cleaned) -> None:
    """Refuses labels of which nothing is left, with the reason that is most often the one."""
    if cleaned.kept:
        return
    entries = cleaned.report["entries"]
    rules = Counter(rejection.rule for rejection in cleaned.rejected)
    why = ", ".join(f"{rule}: {count}" for rule, count in rules.most_common())
    first = cleaned.rejected[0] if cleaned.rejected else None
    example = f" The first: {first.image}: {first.detail}." if first else ""
    most = rules.most_common(1)[0][0] if rules else ""
    hints = {
        "missing_file": f" Picture names start at {run.data.folder}: is data.images right?",
        "empty_activity": " To train the pose model alone, set stage2: null.",
    }
    raise ValueError(
        f"Not one of the {entries} labelled pictures can be used ({why})."
        f"{example}{hints.get(most, '')}"
    )


def _check_splits(run: PictureRun, kept: Sequence[Sample]) -> None:
    """Refuses what would only fail after all training: a split that is needed and empty."""
    names = {name for s in kept for name in (s.activity, *(s.activities or ())) if name}
    if run.stage2 and len(names) < 2:
        raise ValueError(
            f"A classifier needs at least two activities. Received: {sorted(names)}. "
            "Does data.images name the folder that holds the folders of the activities?"
        )
    counts = Counter(sample.split for sample in kept)
    needed = {"train", "val", run.report.split} if run.stage2 else {"train", "val"}
    empty = [name for name in SPLITS if name in needed and not counts[name]]
    if empty and run.split == "given":
        raise ValueError(
            f"No picture for {' and '.join(empty)} in the split that the labels name. Without a "
            "test split set report.split: val, or give sizes instead of split: given."
        )
    if empty:
        raise ValueError(
            f"No picture for {' and '.join(empty)}: {len(kept)} are left after cleaning, "
            f"and groups are not cut. Add pictures, or change {run.split}."
        )


def try_annotations(run: PictureRun, *, strict: bool) -> None:
    """Reads and checks the labels alone; leaves a finished step's report as it is."""
    folder = run.run_dir / "annotations"
    finished = manifest.read(folder) is not None
    name = "cleaning_dry_run.json" if finished else "cleaning.json"
    cleaned = clean_labels(run, folder / name)
    _say_activities(cleaned.kept)
    if strict and cleaned.rejected:
        raise ValueError(f"{len(cleaned.rejected)} rejections, see {folder / name}")


def clean_labels(
    run: PictureRun, path: Path, *, read_size: Callable[[Path], tuple[int, int]] | None = None
) -> clean.Cleaned:
    """Reads and fixes the labels, prints what was done, and writes the report to `path`.

    Args:
        run: The whole configuration.
        path: Of the report.
        read_size: Looks at a picture, see `clean.clean`; None: no file is looked at.
    """
    notes: list[str] = []
    unread: list[Path] = []
    found = read_labels(run.data, on_note=notes.append, on_unread=unread.extend)
    say_notes(notes)
    with progress_bar("cleaning", console) as show:
        cleaned = clean.clean(
            found,
            **run.clean.arguments(),
            need_keypoints=READERS[run.data.format].needs_people,
            need_activity=_need_activity(run),
            check_images=read_size is not None,
            read_size=read_size or images.check_image,
            threads=run.threads,
            root=run.data.folder,
            unread=unread,
            on_progress=show,
        )
    report = cleaned.report
    write_json(path, report)
    heads = ("entries", "with_keypoints", "with_activity", "kept")
    rows = [(head, report[head]) for head in heads] + [*report["rules"].items()]
    shown = [{"rule": name, "count": count} for name, count in rows if count or name in heads]
    say_rows("cleaning: what was found", shown)
    say_notes(cleaned.notes)
    return cleaned


def read_labels(
    data: Data,
    *,
    on_note: Callable[[str], None],
    on_unread: Callable[[Sequence[Path]], None],
) -> Iterator[Sample]:
    """Reads labels of any format.

    Args:
        data: Where they are.
        on_note: Called with a note on what the reader left out or guessed.
        on_unread: Called with the pictures in a folder of a kind that is not read.
    """
    reader = READERS[data.format]
    return reader.read(
        *([data.annotations] if reader.file else []),
        data.images,
        group_pattern=data.group_pattern,
        on_note=on_note,
        on_unread=on_unread,
    )


def _need_activity(run: PictureRun) -> Literal["picture", "person", "none"]:
    if run.stage2 is None:
        return "none"
    return "person" if run.cache.people == "each" else "picture"


def draw_data_set(draw: Draw, seed: int) -> None:
    """Draws the data set of the `draw` section, unless it is there already.

    Raises:
        ValueError: the folder holds something that this function did not write.
    """

    def write() -> Path:
        with progress_bar("drawing", console) as show:
            return pictures.write(draw.folder, draw, seed=seed, on_progress=show)

    draw_once(draw, seed, names=("release.mat", "faults.json", "images"), write=write)
