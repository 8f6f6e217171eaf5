"""Identical pictures and clips: which hold the same bytes, and what that means for a split.

A copy that is both trained and tested on makes scores look better than they are. Copies of pictures
and videos are found by the sha256 of the file, and only files of the same size are read; copies of
pose sequences by their numbers. What merely looks alike (another size, another compression) is not
found.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.label_table import LabelTable, Name
from pose_activity.annotations.text import preview
from pose_activity.artifacts import csv_text
from pose_activity.artifacts.atomic import replacing
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.names import shown
from pose_activity.artifacts.progress import ProgressCallback


def find_duplicates(
    images: Iterable[Path], *, on_progress: ProgressCallback | None = None
) -> list[list[Path]]:
    """Returns the sets of files with the same content, each sorted, in the order of their first.

    Args:
        images: Paths; missing files are skipped.
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


def find_same_clips(
    clips: Sequence[Clip], *, on_progress: ProgressCallback | None = None
) -> list[list[str]]:
    """Returns the sets of names of clips with the same content, each sorted, as `find_duplicates`.

    Clips of videos are the same if they share frames of one video or of copies of it. Clips with
    joints are the same if all their keypoints are, unless they show nobody.

    Args:
        clips: Of one data set, each name once.
        on_progress: As `find_duplicates`, of the videos.
    """
    films = [clip for clip in clips if clip.keypoints is None]
    copies = find_duplicates((clip.source for clip in films), on_progress=on_progress)
    first_of = {path: paths[0] for paths in copies for path in paths}
    by_video: dict[Path, list[Clip]] = defaultdict(list)
    for clip in films:
        by_video[first_of.get(clip.source, clip.source)].append(clip)
    by_joints: dict[bytes, list[str]] = defaultdict(list)
    for clip in clips:
        if clip.keypoints is not None and clip.keypoints.any():
            by_joints[_digest(clip.keypoints)].append(clip.name)
    sets = [*by_joints.values(), *(same for c in by_video.values() for same in _overlapping(c))]
    return sorted(sorted(names) for names in sets if len(names) > 1)


def find_same_rows(names: Sequence[str], vectors: np.ndarray) -> list[list[str]]:
    """Returns the sets of names whose vectors, rows of `(N, D)`, are the same and not all zero."""
    by_bytes: dict[bytes, list[str]] = defaultdict(list)
    for name, vector in zip(names, vectors, strict=True):
        if vector.any():
            by_bytes[_digest(vector)].append(name)
    return sorted(sorted(same) for same in by_bytes.values() if len(same) > 1)


def _digest(array: np.ndarray) -> bytes:
    content = np.ascontiguousarray(array + 0)  # -0.0 becomes 0.0
    return hashlib.sha256(f"{content.shape}".encode() + content.tobytes()).digest()


def _overlapping(clips: Sequence[Clip]) -> list[list[str]]:
    """Returns the names of pieces of one video, in sets that share no frame with each other."""
    sets: list[list[str]] = []
    end = 0.0
    for clip in sorted(clips, key=lambda c: c.span or (0, 0)):
        first, stop = clip.span or (0, float("inf"))
        if not sets or first >= end:
            sets.append([])
        sets[-1].append(clip.name)
        end = max(end, stop)
    return sets


def write_duplicates(path: Path, copies: Sequence[Sequence[Name]], items: LabelTable) -> None:
    """Writes a CSV with a row per copy: set, image, activity, group, split."""
    row_of = {name: row for row, name in enumerate(items.names)}
    with replacing(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv_text.Writer(file)
            writer.writerow(("set", "image", "activity", "group", "split"))
            for number, names in enumerate(copies, 1):
                for name in names:
                    row = row_of[name]
                    facts = (items.labels[row], items.groups[row], items.splits[row])
                    writer.writerow((number, shown(name), *(shown(f or "") for f in facts)))


def describe_duplicates(
    copies: Sequence[Sequence[Name]],
    items: LabelTable,
    *,
    many: str = "pictures",
    labels: str = "activity",
) -> list[str]:
    """Returns sentences for a person: how many copies, which contradict, which cross the split.

    Args:
        copies: Sets of names, from `find_duplicates` for example.
        items: In their final split.
        many: What they are.
        labels: What each has one of.
    """
    if not copies:
        return []
    label_of = dict(zip(items.names, items.labels, strict=True))
    split_of = dict(zip(items.names, items.splits, strict=True))
    surplus = sum(len(same) - 1 for same in copies)
    notes = [f"copies of other {many}: {surplus:,} ({_pairs(copies)}). See duplicates.csv."]
    contrary = [same for same in copies if len({label_of[name] for name in same}) > 1]
    if contrary:
        notes.append(
            f"{many} with more than one {labels}: {len(contrary):,} "
            f"({_pairs(contrary, label_of)}). Keep one copy of each."
        )
    crossing = [same for same in copies if len({split_of[n] for n in same if split_of[n]}) > 1]
    if crossing:
        notes.append(
            f"WARNING: {many} in more than one split: {len(crossing):,} "
            f"({_pairs(crossing, split_of)}). Scores will look better than they are: the model has "
            "seen these. Keep one copy of each."
        )
    return notes


def _pairs(sets: Sequence[Sequence[Name]], fact_of: Mapping[Name, str | None] | None = None) -> str:
    def described(name: Name) -> str:
        return f"{name} ({fact_of[name]})" if fact_of else f"{name}"

    return preview([" = ".join(map(described, same)) for same in sets], shown=3)
