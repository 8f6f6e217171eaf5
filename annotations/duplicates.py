"""Identical pictures: which files hold the same bytes, and what that means for a split.

A picture that is trained on and tested on makes scores look better than they are. Copies are found
by the sha256 of the file, and only files of the same size are read. Pictures that merely look alike
(another size, another compression) are not found.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from annotations.activities import some
from annotations.types import Sample
from artifacts import csv_text
from artifacts.atomic import replacing
from artifacts.manifest import sha256_file
from artifacts.names import shown


def find_duplicates(
    images: Iterable[Path], *, on_progress: Callable[[int, int, str], None] | None = None
) -> list[list[Path]]:
    """Returns the sets of files with the same content, each sorted, in the order of their first.

    Args:
        images: Paths; files that are not there are passed over.
        on_progress: Called with (files read, files to read, name).
    """
    by_size: dict[int, list[Path]] = defaultdict(list)
    for image in sorted(set(images)):
        if image.is_file():
            by_size[image.stat().st_size].append(image)
    alike = [image for paths in by_size.values() if len(paths) > 1 for image in paths]
    by_content: dict[str, list[Path]] = defaultdict(list)
    for done, image in enumerate(alike, 1):
        by_content[sha256_file(image)].append(image)
        if on_progress:
            on_progress(done, len(alike), image.name)
    return sorted(paths for paths in by_content.values() if len(paths) > 1)


def write_duplicates(
    path: Path, copies: Sequence[Sequence[Path]], samples: Sequence[Sample]
) -> None:
    """Writes a CSV with a row per copy: set, image, activity, group, split."""
    by_image = {sample.image: sample for sample in samples}
    with replacing(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv_text.Writer(file)
            writer.writerow(("set", "image", "activity", "group", "split"))
            for number, images in enumerate(copies, 1):
                for sample in (by_image[image] for image in images):
                    facts = (sample.activity, sample.group, sample.split)
                    writer.writerow((number, shown(sample.image), *(shown(f or "") for f in facts)))


def describe_duplicates(copies: Sequence[Sequence[Path]], samples: Sequence[Sample]) -> list[str]:
    """Returns sentences for a person: how many copies, which contradict, which cross the split.

    Args:
        copies: From `find_duplicates`.
        samples: With their final split.
    """
    if not copies:
        return []
    by_image = {sample.image: sample for sample in samples}
    sets = [[by_image[image] for image in images] for images in copies]
    surplus = sum(len(same) - 1 for same in sets)
    notes = [f"{surplus:,} pictures are copies of others: {_pairs(sets)}. See duplicates.csv."]
    contrary = [same for same in sets if len({sample.activity for sample in same}) > 1]
    if contrary:
        notes.append(
            f"{len(contrary):,} pictures have more than one activity: "
            f"{_pairs(contrary, 'activity')}. Keep one copy of each."
        )
    crossing = [same for same in sets if len({s.split for s in same if s.split}) > 1]
    if crossing:
        notes.append(
            f"WARNING: {len(crossing):,} pictures lie in more than one split: "
            f"{_pairs(crossing, 'split')}. Scores will look better than they are: the model has "
            "seen these. Keep one copy of each."
        )
    return notes


def _pairs(sets: Sequence[Sequence[Sample]], fact: str | None = None) -> str:
    def name(sample: Sample) -> str:
        return f"{sample.image}" + (f" ({getattr(sample, fact)})" if fact else "")

    return some([" = ".join(name(sample) for sample in same) for same in sets], shown=3)
