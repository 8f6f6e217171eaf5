"""The cleaner of part masks: `RawParts` in; samples with clean masks, and a count of changes, out.

Nothing is dropped in silence: each dropped image is a `Rejection`. The arithmetic is in
`part_rules.py` and `mixed_colours.py`; the rules apply in this order:

| rule | counts | what happens |
|---|---|---|
| other_format | pictures of a kind that is not read | named, not read |
| unreadable | images that are missing, damaged or none | dropped |
| no_mask | images whose mask is missing, damaged or none | dropped |
| unknown_mask | masks with more than 90 % of unknown colours or numbers | dropped |
| mixed_colour | pixels of masks with a colour or number that means nothing | the class they are |
| | | mixed of, or that of the pixels around; or ignored |
| other_size | masks of another size than their image | resized by votes; dropped if the |
| | | proportions differ |
| island | pixels in tiny islands of a class | the class of what is around them |
| no_person | images whose mask shows nobody | kept, or dropped |
| upside_down_legs | masks with thighs below lower legs | kept, and noted |
| background | images whose background was painted black | only where it is asked for |
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pose_activity.annotations.cleaning.part_rules import (
    MOST_UNKNOWN,
    Unknown,
    fit_to_image,
    legs_upside_down,
    remove_background,
    resolve_unknown,
    unknown_share,
    without_islands,
)
from pose_activity.annotations.images import check_image, write_image
from pose_activity.annotations.media import describe_unread
from pose_activity.annotations.part_files import load_image, write_mask
from pose_activity.annotations.parts import IGNORE, UNKNOWN
from pose_activity.annotations.raw_parts import RawMask, RawParts
from pose_activity.annotations.types import PartSample, Rejection
from pose_activity.artifacts.ordered import in_order
from pose_activity.artifacts.progress import ProgressCallback

RULES = (
    "other_format",
    "unreadable",
    "no_mask",
    "unknown_mask",
    "mixed_colour",
    "other_size",
    "island",
    "no_person",
    "upside_down_legs",
    "background",
)
MASKS, IMAGES = "masks", "images"
_MOST_UPSIDE_DOWN = 0.5  # of the masks with legs


@dataclass(frozen=True, eq=False)
class PartCase:
    """One example of a rule at work, for a gallery.

    Attributes:
        rule: Name of the rule.
        sample: The image.
        before: The mask as it was read; None if it was not.
        after: The same after all rules; None if the image was dropped.
    """

    rule: str
    sample: PartSample
    before: RawMask | None
    after: np.ndarray | None


@dataclass(frozen=True, eq=False)
class CleanedParts:
    """What the cleaner made of a data set.

    Attributes:
        kept: Clean samples, in the order they came.
        rejected: Every dropped image.
        report: JSON values: `entries`, `kept`; `rules` (rule -> number of things touched);
            `touched` (rule -> names of the images).
        cases: Examples, a few per rule.
        notes: Sentences for a person about what was kept but is likely to disappoint.
    """

    kept: list[PartSample]
    rejected: list[Rejection]
    report: dict[str, Any]
    cases: list[PartCase]
    notes: list[str]


@dataclass(frozen=True)
class _Rules:
    """What the caller of `clean_parts` wants."""

    folder: Path | None
    unknown: Unknown
    smallest_island: float
    keep_empty: bool
    black_background: bool


class _Outcome(NamedTuple):
    """What the rules made of one image."""

    raw: RawParts
    sample: PartSample | None
    before: RawMask | None = None
    after: np.ndarray | None = None
    counts: dict[str, int] = {}
    reason: tuple[str, str] | None = None
    upside_down: bool | None = None


def clean_parts(
    raws: Iterable[RawParts],
    *,
    folder: Path | None,
    unknown: Unknown = "neighbours",
    smallest_island: float = 0.0,
    keep_empty: bool = True,
    black_background: bool = False,
    root: Path | None = None,
    unread: Sequence[Path] = (),
    cases_per_rule: int = 4,
    threads: int = 1,
    on_progress: ProgressCallback | None = None,
) -> CleanedParts:
    """Applies every rule to every image, in one pass.

    Args:
        raws: As a reader gives them.
        folder: Gets the clean masks, `masks/*.png`, and where the background is painted black the
            images, `images/*.png`. None writes nothing (a dry run): samples keep their files.
        unknown: What becomes of colours and numbers that mean nothing; see `resolve_unknown`.
        smallest_island: See `without_islands`; 0.0001 of a picture of 320x240 is 8 pixels.
        keep_empty: Whether an image in which nobody is labelled is kept.
        black_background: Whether everything but the people is painted black in the images, by the
            mask of their clothes, else by that of their parts.
        root: Names in the report are relative to this folder.
        unread: Pictures of a kind that no reader takes, which are among the others.
        cases_per_rule: The most examples that are kept of each rule.
        threads: Over how many threads images are checked; the result does not depend on it.
        on_progress: Called with (images done, 0, image name): the total is unknown.
    """
    rules = _Rules(folder, unknown, smallest_island, keep_empty, black_background)
    log = _Log(root, cases_per_rule)
    log.reject_unread(unread)
    kept = []

    def work(item: tuple[int, RawParts]) -> _Outcome:
        return _clean(*item, rules)

    for done in in_order(work, enumerate(raws, 1), workers=threads):
        log.add(done)
        if done.sample is not None:
            kept.append(done.sample)
        if on_progress:
            on_progress(log.entries, 0, done.raw.sample.source.name)
    notes = [*([describe_unread(unread)] if unread else []), *log.notes()]
    return CleanedParts(kept, log.rejected, log.report(len(kept)), log.all_cases(), notes)


def _clean(number: int, raw: RawParts, rules: _Rules) -> _Outcome:
    """Applies the rules to one image."""
    sample = raw.sample
    try:
        if sample.frame is None:
            size = check_image(sample.image)
        else:
            size = load_image(sample).shape[1::-1]
    except ValueError as error:
        return _Outcome(raw, None, reason=("unreadable", str(error)))
    try:
        mask = raw.read_mask()
    except ValueError as error:
        return _Outcome(raw, None, reason=("no_mask", str(error)))
    share = unknown_share(mask.ids)
    if share > MOST_UNKNOWN:
        detail = (
            f"{share:.0%} of its mask have colours or numbers that mean nothing. Check the colour "
            f"table, and that the classes are {sample.scheme.name!r}"
        )
        return _Outcome(raw, None, mask, reason=("unknown_mask", detail))
    ids = resolve_unknown(mask, rules.unknown)
    counts = {"mixed_colour": int(np.sum(mask.ids == UNKNOWN))}
    if ids.shape[::-1] != size:
        fitted = fit_to_image(ids, size)
        if fitted is None:
            (width, height), (w, h) = size, ids.shape[::-1]
            detail = f"its mask has {w}x{h} pixels, the upright picture {width}x{height}"
            return _Outcome(raw, None, mask, reason=("other_size", detail))
        ids, counts["other_size"] = fitted, 1
    whole = without_islands(ids, rules.smallest_island)
    ids, counts["island"] = whole, int(np.sum(whole != ids))
    empty = not np.any((ids > 0) & (ids != IGNORE))
    if empty and not rules.keep_empty:
        return _Outcome(raw, None, mask, ids, counts, ("no_person", "its mask shows nobody"))
    upside_down = legs_upside_down(ids, sample.scheme)
    counts |= {"no_person": int(empty), "upside_down_legs": int(upside_down is True)}
    counts["background"] = int(rules.black_background)
    try:
        clean = _write(number, raw, ids, replace(sample, size=size), rules)
    except ValueError as error:  # of the mask of clothes
        return _Outcome(raw, None, mask, reason=("no_mask", str(error)))
    return _Outcome(raw, clean, mask, ids, counts, upside_down=upside_down)


def _write(
    number: int, raw: RawParts, ids: np.ndarray, sample: PartSample, rules: _Rules
) -> PartSample:
    """Writes what is clean, and returns where it is."""
    if rules.folder is None:
        return sample
    name = f"{number:06d}-{sample.source.stem}.png"
    mask = rules.folder / MASKS / name
    write_mask(mask, ids)
    if not rules.black_background:
        return replace(sample, mask=mask)
    person = raw.read_person() if raw.read_person else (ids > 0) & (ids != IGNORE)
    image = rules.folder / IMAGES / name
    image.parent.mkdir(parents=True, exist_ok=True)
    write_image(image, remove_background(load_image(sample), person))
    return replace(sample, image=image, mask=mask, frame=None)


@dataclass
class _Log:
    """Collects what the rules did."""

    root: Path | None
    cases_per_rule: int
    entries: int = 0
    legs: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    touched: dict[str, list[str]] = field(default_factory=lambda: {rule: [] for rule in RULES})
    cases: dict[str, list[PartCase]] = field(default_factory=lambda: {rule: [] for rule in RULES})

    def add(self, done: _Outcome) -> None:
        self.entries += 1
        self.legs += done.upside_down is not None
        counts = dict(done.counts)
        if done.reason is not None:
            rule, detail = done.reason
            self.rejected.append(Rejection(done.raw.sample.source, rule, detail))
            counts[rule] = 1
        for rule, count in counts.items():
            if count:
                self._touch(rule, done.raw.sample.source, count)
                after = None if done.sample is None else done.after
                if len(self.cases[rule]) < self.cases_per_rule:
                    self.cases[rule].append(PartCase(rule, done.raw.sample, done.before, after))

    def _touch(self, rule: str, image: Path, count: int) -> None:
        self.counts[rule] += count
        if self.root is not None and image.is_relative_to(self.root):
            image = image.relative_to(self.root)
        self.touched[rule].append(image.as_posix())

    def reject_unread(self, unread: Sequence[Path]) -> None:
        for image in unread:
            kind = image.suffix.lower() or "without an ending"
            detail = f"pictures of this kind ({kind}) are not read. Convert it to JPEG"
            self.rejected.append(Rejection(image, "other_format", detail))
            self._touch("other_format", image, 1)

    def notes(self) -> list[str]:
        found, notes = self.counts["upside_down_legs"], []
        if self.legs and found / self.legs > _MOST_UPSIDE_DOWN:
            notes.append(
                f"In {found:,} of {self.legs:,} masks with legs the thighs are below the lower "
                "legs: their colours or numbers seem to be swapped. Correct the colour table."
            )
        if self.counts["no_person"] and not any(r.rule == "no_person" for r in self.rejected):
            notes.append(f"{self.counts['no_person']:,} images show nobody, and are kept.")
        return notes

    def report(self, kept: int) -> dict[str, Any]:
        return {
            "entries": self.entries,
            "kept": kept,
            "rules": {rule: self.counts[rule] for rule in RULES},
            "touched": self.touched,
        }

    def all_cases(self) -> list[PartCase]:
        return [case for rule in RULES for case in self.cases[rule]]
