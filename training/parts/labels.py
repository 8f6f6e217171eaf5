"""The step `annotations` of a run on body parts: masks are read, cleaned and split.

annotations/samples.jsonl   every image that is used, with its cleaned mask and its split
annotations/masks/*.png     the cleaned masks: one channel of class numbers
annotations/images/*.png    with `clean.black_background` the images, black where nobody is
annotations/cleaning.json   what the cleaner did; cleaning.png shows examples
annotations/rejections.csv  images that are left out, and why
annotations/SPLIT.txt       the images of each split
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from pose_activity.annotations import images, sample_files
from pose_activity.annotations.cleaning.part_gallery import part_gallery
from pose_activity.annotations.cleaning.parts import IMAGES, MASKS, CleanedParts, clean_parts
from pose_activity.annotations.part_files import load_mask, write_part_samples
from pose_activity.annotations.parts import IGNORE, SCHEMES
from pose_activity.annotations.raw_parts import RawParts
from pose_activity.annotations.readers.name_patterns import compile_pattern
from pose_activity.annotations.readers.registry import PARTS as READERS
from pose_activity.annotations.splitting import split_parts as splitting
from pose_activity.annotations.synthetic import parts as drawn
from pose_activity.annotations.types import SPLITS, PartSample
from pose_activity.artifacts import manifest
from pose_activity.artifacts.atomic import write_json, write_text
from pose_activity.artifacts.removal import remove_tree
from pose_activity.configs.parts import DrawParts, PartSet, PartsRun
from pose_activity.runtime.progress import progress_bar
from pose_activity.training import rejections
from pose_activity.training.console import console, say_notes, say_rows
from pose_activity.training.drawn_data import draw_once
from pose_activity.training.steps import Counts

_SAMPLED = 500  # masks that the table of areas looks at, at most


def make_annotations(run: PartsRun, folder: Path) -> Counts:
    """Reads, cleans and splits the masks."""
    for name in (MASKS, IMAGES):
        remove_tree(folder / name)
    cleaned = clean_masks(run, folder / "cleaning.json", folder)
    sample_files.write_rejections(folder / rejections.FILE, cleaned.rejected)
    if cleaned.cases:
        images.write_drawing(folder / "cleaning.png", part_gallery(cleaned.cases))
    _check_some_kept(cleaned)
    kept = _split(run, cleaned.kept)
    _check_splits(run, kept)
    write_part_samples(folder / "samples.jsonl", [_within(sample, folder) for sample in kept])
    _say_areas(kept)
    counts = {}
    for name in SPLITS:
        paths = [sample.source for sample in kept if sample.split == name]
        counts[name] = len(paths)
        write_text(folder / f"{name}.txt", "".join(f"{path.as_posix()}\n" for path in paths))
    return counts


def _within(sample: PartSample, folder: Path) -> PartSample:
    """Returns a sample whose files in the step's folder are named from there: it may be moved."""
    image, mask = (
        path.relative_to(folder) if path.is_relative_to(folder) else path
        for path in (sample.image, sample.mask)
    )
    return replace(sample, image=image, mask=mask)


def try_annotations(run: PartsRun, *, strict: bool) -> None:
    """Reads and checks the masks alone; leaves a finished step's report as it is."""
    folder = run.run_dir / "annotations"
    finished = manifest.read(folder) is not None
    path = folder / ("cleaning_dry_run.json" if finished else "cleaning.json")
    cleaned = clean_masks(run, path, None)
    _check_some_kept(cleaned)
    if strict and cleaned.rejected:
        raise ValueError(f"{len(cleaned.rejected)} rejections, see {path}")


def clean_masks(run: PartsRun, path: Path, folder: Path | None) -> CleanedParts:
    """Reads and cleans the masks of all data sets, and prints and writes what was done.

    Args:
        run: The whole configuration.
        path: Of the report.
        folder: Gets the cleaned masks; None: nothing is written there.
    """
    notes: list[str] = []
    unread: list[Path] = []
    with progress_bar("cleaning masks", console) as show:
        cleaned = clean_parts(
            _read_all(run.sets, notes, unread),
            folder=folder,
            **run.clean.arguments(),
            root=run.parts.images,
            unread=unread,
            threads=run.threads,
            on_progress=show,
        )
    say_notes(notes)
    write_json(path, cleaned.report)
    heads = ("entries", "kept")
    rows = [(head, cleaned.report[head]) for head in heads] + [*cleaned.report["rules"].items()]
    say_rows("cleaning", [{"rule": name, "count": count} for name, count in rows])
    say_notes(cleaned.notes)
    return cleaned


def _read_all(sets: Sequence[PartSet], notes: list[str], unread: list[Path]) -> Iterator[RawParts]:
    for one in sets:
        paths = [one.images, one.masks] if one.format == "masks" else [one.images]
        raws = READERS[one.format].read(
            *paths,
            **one.arguments("format", "images", "masks", "scheme", "test_pattern"),
            scheme=SCHEMES[one.scheme],
            on_note=notes.append,
            on_unread=unread.extend,
        )
        yield from map(partial(_with_split, one.test_pattern), raws)


def _with_split(test_pattern: str | None, raw: RawParts) -> RawParts:
    """Returns what was read, in test if the pattern is in its name; without one as it is."""
    pattern = compile_pattern("parts.test_pattern", test_pattern, None)
    if pattern is None:
        return raw
    split = "test" if pattern.search(raw.sample.source.name) else "train"
    return replace(raw, sample=replace(raw.sample, split=split))


def _check_some_kept(cleaned: CleanedParts) -> None:
    """Refuses masks of which nothing is left, with the reason that is most often the one."""
    if cleaned.kept:
        return
    rules = Counter(rejection.rule for rejection in cleaned.rejected)
    why = ", ".join(f"{rule}: {count}" for rule, count in rules.most_common())
    first = cleaned.rejected[0] if cleaned.rejected else None
    example = f" The first: {first.image}: {first.detail}." if first else ""
    raise ValueError(
        f"Not one of the {cleaned.report['entries']} images can be used ({why}).{example}"
    )


def _split(run: PartsRun, kept: Sequence[PartSample]) -> list[PartSample]:
    """Splits by sizes, or keeps the split that the data sets name; says what was not possible."""
    if isinstance(run.split, str):
        done, notes = [*kept], splitting.keep_given_parts(kept)
    else:
        named = any(sample.split for sample in kept)
        make = splitting.fill_given_parts if named else splitting.split_parts
        done, notes = make(kept, **run.split.arguments(), seed=run.seed)
    say_notes(notes)
    return done


def _check_splits(run: PartsRun, kept: Sequence[PartSample]) -> None:
    """Refuses what would only fail after all training: no split, or nobody to learn from."""
    counts = Counter(sample.split for sample in kept)
    needed = {"train", "val", run.report.split}
    empty = [name for name in SPLITS if name in needed and not counts[name]]
    if empty:
        raise ValueError(
            f"No image for {' and '.join(empty)}: {len(kept)} are left after cleaning, and groups "
            f"are not cut. Add images, change split ({run.split}), or set report.split: val."
        )
    for name in sorted(needed):
        some = (sample for sample in kept if sample.split == name)
        if not any(_has_body(sample) for sample in some):
            raise ValueError(
                f"Nobody is in any of the {counts[name]} masks of {name}: all of their pixels are "
                "background or unknown. Are they the right masks, and is parts.scheme the order "
                "of their numbers?"
            )


def _has_body(sample: PartSample) -> bool:
    ids = load_mask(sample)
    return bool(((ids > 0) & (ids != IGNORE)).any())


def _say_areas(kept: Sequence[PartSample]) -> None:
    """Prints how many images each split has, and what their masks show."""
    counts = Counter((sample.scheme.name, sample.split) for sample in kept)
    names = list(dict.fromkeys(sample.scheme.name for sample in kept))
    rows = [{"classes": name, **{s: counts[name, s] for s in SPLITS}} for name in names]
    say_rows(f"{len(kept):,} images with masks", rows)
    for scheme in dict.fromkeys(sample.scheme for sample in kept):
        own = [sample for sample in kept if sample.scheme == scheme]
        own = own[:: -(-len(own) // _SAMPLED)]
        pixels, shown = np.zeros(256, np.int64), np.zeros(256, np.int64)
        for sample in own:
            found = np.bincount(load_mask(sample).ravel(), minlength=256)
            pixels, shown = pixels + found, shown + (found > 0)
        total = max(1, int(pixels[:IGNORE].sum()))
        rows = [
            {
                "part": name,
                "of all pixels": f"{pixels[number] / total:.2%}",
                "in images": f"{shown[number] / len(own):.0%}",
            }
            for number, name in enumerate(scheme.names)
        ]
        say_rows(f"{scheme.name}, by {len(own):,} masks", rows)


def draw_data_set(draw: DrawParts, seed: int) -> None:
    """Draws the people of the `draw` section, unless they are there already.

    Raises:
        ValueError: the folder holds something that this function did not write.
    """

    def write() -> Path:
        with progress_bar("drawing", console) as show:
            folder = drawn.write(draw.folder, draw, seed=seed, on_progress=show)
        return folder / drawn.MASKS / f"{draw.images:06d}.png"

    draw_once(draw, seed, names=(drawn.IMAGES, drawn.MASKS), write=write)
