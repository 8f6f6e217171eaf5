"""The command `import-clips`: 3DPeople's folders of pictures into one clean archive per clip.

OUT/woman17__02_04_jump_camera01.npz holds `images` and `masks`, as `annotations.part_files` writes
them; a configuration reads OUT with `format: archives`. A clip whose archive is there is skipped.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from pose_activity.annotations.cleaning.parts import clean_parts
from pose_activity.annotations.part_files import pack_clips
from pose_activity.annotations.raw_parts import RawParts
from pose_activity.annotations.readers.people3d import clip_name, read_people3d
from pose_activity.annotations.types import Rejection
from pose_activity.training.console import say, say_notes, say_rows


def import_clips(
    source: Path,
    out: Path,
    *,
    colours: Path | None = None,
    tolerance: int = 0,
    every: int = 1,
    black_background: bool = False,
    threads: int = 1,
) -> Counter[str]:
    """Reads, cleans and packs clip after clip, and prints what was done.

    Args:
        source: 3DPeople's folder; see `annotations.readers.people3d`.
        out: Gets the archives.
        colours: A colour table's file, where the data set's colours are others.
        tolerance: Of colours, see `ColourTable.decode`.
        every: Takes every so many frames.
        black_background: Whether everything but the person is painted black.
        threads: Pictures that are cleaned side by side.

    Returns:
        What the cleaner's rules touched, and under "clips" the number of archives written.

    Raises:
        ValueError: `source` is not 3DPeople, or not one picture can be used.
    """
    raws = read_people3d(
        source, colours=colours, tolerance=tolerance, every=every, on_note=lambda n: say_notes([n])
    )
    counts: Counter[str] = Counter()
    rejected: list[Rejection] = []
    for name, frames in groupby(raws, key=lambda raw: clip_name(raw.sample.image)):
        if (out / f"{name}.npz").is_file():
            counts["there already"] += 1
            continue
        rejected += _pack(name, frames, out, counts, black_background, threads)
    if not counts["clips"] and not counts["there already"]:
        first = rejected[0]
        raise ValueError(
            f"{source}: not one of {len(rejected)} pictures can be used. "
            f"The first: {first.image}: {first.detail}."
        )
    say_notes(f"{one.image}: left out: {one.detail}" for one in rejected)
    say_rows("3DPeople", [{"what": what, "count": count} for what, count in counts.items()])
    say(f"{counts['clips']} archives are in {out}")
    return counts


def _pack(
    name: str,
    frames: Iterable[RawParts],
    out: Path,
    counts: Counter[str],
    black_background: bool,
    threads: int,
) -> list[Rejection]:
    """Cleans and packs one clip; returns what was left out of it."""
    with TemporaryDirectory() as folder:
        cleaned = clean_parts(
            frames, folder=Path(folder), black_background=black_background, threads=threads
        )
        if cleaned.kept:
            pack_clips(cleaned.kept, out, clip_of=lambda _: name)
            counts["clips"] += 1
    counts["images"] += len(cleaned.kept)
    counts.update({rule: n for rule, n in cleaned.report["rules"].items() if n})
    return cleaned.rejected
