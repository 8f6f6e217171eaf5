"""Which pictures stage 1 has seen in its own training, of those that stage 2 is judged by.

With `stage1.split`, stage 1 has splits of its own. By default it gets none of the pictures that
stage 2 holds out; the published recipe does not keep them apart (`stage1.keep_apart: false`).
"""

from collections.abc import Sequence
from pathlib import Path

from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.splitting import split
from pose_activity.annotations.types import Sample
from pose_activity.configs.pictures import PictureRun

HELD_OUT = ("val", "test")


def open_to_stage1(
    run: PictureRun,
    kept: Sequence[Sample],
    stage2: Sequence[Sample],
    together: Sequence[Sequence[Path]],
) -> list[Sample]:
    """Returns the samples that stage 1's own split may take.

    Args:
        run: The whole configuration.
        kept: All samples.
        stage2: The same ones with stage 2's split.
        together: Sets of images that are copies of one picture.
    """
    if run.stage2 is None or not run.stage1.keep_apart:
        return [*kept]
    held_out = [sample for sample in stage2 if sample.split in HELD_OUT]
    return split.without_held_out(kept, held_out, together=together)


def seen_note(run: PictureRun, name: str) -> str | None:
    """Says how many pictures of stage 2's split `name` stage 1 has seen; None where it saw none.

    Raises:
        ValueError: the step `annotations` has not been made.
    """
    if not run.stage1.split or run.stage2 is None or run.cache.poses == "labels":
        return None
    folder = run.run_dir / "annotations"
    own, kept = (read_samples(folder / name) for name in ("stage1.jsonl", "samples.jsonl"))
    return _describe(own, kept, name)


def overlap_notes(stage1: Sequence[Sample], stage2: Sequence[Sample]) -> list[str]:
    """Returns a warning for each held-out split of stage 2 of which stage 1 sees pictures.

    Args:
        stage1: The samples with stage 1's own split.
        stage2: The samples with stage 2's.
    """
    found = (_describe(stage1, stage2, name) for name in HELD_OUT)
    return [
        f"WARNING: {seen} Its poses are better there than on new pictures. To keep the stages "
        "apart: stage1.keep_apart: true"
        for seen in found
        if seen
    ]


def _describe(stage1: Sequence[Sample], stage2: Sequence[Sample], name: str) -> str | None:
    both = split.roles_in_both(stage1, stage2)
    uses = {"train": "it was trained on", "val": "its epochs were chosen by"}
    seen = {role: both[role, name] for role in uses if both.get((role, name))}
    if not seen:
        return None
    count = sum(sample.split == name for sample in stage2)
    parts = " and ".join(f"{uses[role]} {number:,}" for role, number in seen.items())
    return f"Stage 1 has seen {sum(seen.values()):,} of the {count:,} pictures of {name}: {parts}."
