"""Groups allocated to train, val and test: the arithmetic behind `annotations.splitting.split`.

Knows names, labels and groups, and nothing of images or clips. No file is opened.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from pose_activity.annotations.label_table import LabelTable, Name
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS

_MOST_NOTES = 5

Key = tuple[bool, str]  # of a group
Labels = Counter[str | None]


@dataclass(frozen=True)
class Nouns:
    """What is split and what it is counted by, as words for the notes."""

    one: str
    many: str
    label: str
    labels: str


PICTURES = Nouns("image", "images", "activity", "activities")
CLIPS = Nouns("clip", "clips", "label", "labels")


@dataclass
class _Bin:
    """One split while it is filled; `name` None is for the rest."""

    name: str | None
    size: int
    taken: int = 0
    per_label: Labels = field(default_factory=Counter)

    def need(self, group: Labels, share: dict[str | None, Fraction]) -> Fraction:
        """Returns how far the bin still is from its part of the group's labels, at most 1."""
        missing = Fraction(0)
        for label, count in group.items():
            target = share[label] * self.size
            missing += count * (target - self.per_label[label]) / target
        return missing / group.total()

    def take(self, group: Labels) -> None:
        self.taken += group.total()
        self.per_label.update(group)


def allocate(
    items: LabelTable,
    nouns: Nouns,
    seed: int,
    together: Iterable[Sequence[Name]] = (),
    **wanted: float | int,
) -> tuple[LabelTable, list[str]]:
    """Allocates groups of items to train, val and test, whose sizes are `wanted`.

    Returns:
        The items in their final split, and notes; see `annotations.splitting.split.split`.
    """
    sizes = _sizes(len(items), nouns, **wanted)
    _check_once(items, nouns)
    keys = keys_of(items, together)
    groups = _count_labels(items, keys)
    bins = [_Bin(name, size) for name, size in zip(SPLITS, sizes, strict=True) if size]
    if sum(sizes) < len(items):
        bins.append(_Bin(None, len(items) - sum(sizes)))
    chosen = _fill(bins, groups, np.random.default_rng(seed))
    done = items.with_splits(chosen[key] for key in keys)
    counts: dict[str, int] = dict(zip(SPLITS, sizes, strict=True))
    return done, [
        *_size_notes(done, counts, nouns),
        *_label_notes(done, [n for n in SPLITS if counts[n]], nouns),
    ]


def notes_of_given(items: LabelTable, nouns: Nouns, needed: Sequence[str]) -> list[str]:
    """Returns the notes on a split that the items come with; `needed` must not be empty."""
    _check_once(items, nouns)
    counts = Counter(items.splits)
    unknown = sorted({*counts} - {*SPLITS, None}, key=str)
    if unknown or not all(counts[name] for name in needed):
        raise ValueError(
            f"split: given needs labels that name the split of each {nouns.one}, one of {SPLITS}, "
            f"with some for {' and '.join(needed)}. Received: {dict(counts)}. Name them, or give "
            "sizes: split: {train: 0.7, val: 0.15, test: 0.15}"
        )
    notes = []
    if counts[None]:
        notes.append(f"{counts[None]:,} {nouns.many} are in no split: their labels name none.")
    sides: dict[str, set[str]] = defaultdict(set)
    for group, split in zip(items.groups, items.splits, strict=True):
        if group is not None and split is not None:
            sides[group].add(split)
    cut = [repr(group) for group, names in sorted(sides.items()) if len(names) > 1]
    if cut:
        notes.append(
            f"{len(cut):,} groups are in more than one split ({preview(cut)}): scores will look "
            "better than they are. Fix the splits, or give sizes instead of split: given."
        )
    return notes + _label_notes(items, [name for name in SPLITS if counts[name]], nouns)


def fill_from_train(
    items: LabelTable,
    nouns: Nouns,
    seed: int,
    together: Iterable[Sequence[Name]] = (),
    **wanted: float | int,
) -> tuple[LabelTable, list[str]]:
    """Takes the splits that the items do not come with from train, in the sizes `wanted`.

    Returns:
        The items in their final split, and notes; see `annotations.splitting.split.fill_given`.
    """
    notes = notes_of_given(items, nouns, ("train",))
    lacking = {n: size for n, size in wanted.items() if n not in items.splits and size}
    if not lacking:
        return items, notes
    pool = items.take(i for i, split in enumerate(items.splits) if split == "train")
    whole = sum([wanted["train"], *lacking.values()])
    sizes = {n: size / whole if isinstance(size, float) else size for n, size in lacking.items()}
    left = 1.0 if isinstance(wanted["train"], float) else len(pool)
    rest = {"train": left - sum(sizes.values())} | dict.fromkeys(("val", "test"), 0) | sizes
    done, more = allocate(pool, nouns, seed, together, **rest)
    counts = Counter(done.splits)
    taken = " and ".join(f"{counts[name]:,} for {name}" for name in lacking)
    notes.append(
        f"There is no given {' and no '.join(lacking)}: of the {len(pool):,} {nouns.many} of "
        f"train, {taken} were taken."
    )
    return with_splits_of(items, done), notes + more


def with_splits_of(items: LabelTable, some: LabelTable) -> LabelTable:
    """Returns the items, those of `some` in the split that they have there."""
    split_of = dict(zip(some.names, some.splits, strict=True))
    return items.with_splits(
        split_of.get(name, split) for name, split in zip(items.names, items.splits, strict=True)
    )


def _sizes(n: int, nouns: Nouns, **wanted: float | int) -> list[int]:
    """Turns fractions and counts into counts; fractions that sum to 1 leave nothing over."""
    if not n:
        raise ValueError(
            f"There are no {nouns.many} to split. Look at what was read, and what was rejected."
        )
    for name, size in wanted.items():
        bad = isinstance(size, bool) or not np.isfinite(size) or size < 0
        if bad or (isinstance(size, float) and size > 1):
            raise ValueError(
                f"{name} must be a fraction in [0, 1] (a float) or a number of {nouns.many} (an "
                f"int). Received: {size!r}"
            )
    fractions = [size if isinstance(size, float) else 0.0 for size in wanted.values()]
    edges = [round(n * edge) for edge in np.cumsum([0.0, *fractions])]
    sizes = [
        edges[i + 1] - edges[i] if isinstance(size, float) else size
        for i, size in enumerate(wanted.values())
    ]
    if not sizes[0] or sum(sizes) > n:
        raise ValueError(
            "train must not be empty, and train + val + test must not exceed the "
            f"{n} {nouns.many}. Received: {wanted} = {sizes} {nouns.many}"
        )
    return sizes


def _check_once(items: LabelTable, nouns: Nouns) -> None:
    for name, count in Counter(items.names).most_common(1):
        if count > 1:
            raise ValueError(
                f"Each {nouns.one} must be listed once. Received: {name} {count} times"
            )


def keys_of(items: LabelTable, together: Iterable[Sequence[Name]]) -> list[Key]:
    """Returns each item's group; groups that `together` ties get the first one's name."""
    # A group that happens to be called like a file stays apart from that file.
    keys = [
        (group is None, group or Path(name).as_posix())
        for name, group in zip(items.names, items.groups, strict=True)
    ]
    key_of = dict(zip(items.names, keys, strict=True))
    parent: dict[Key, Key] = {}

    def root(key: Key) -> Key:
        while key in parent:
            key = parent[key]
        return key

    for names in together:
        roots = sorted({root(key_of[name]) for name in names if name in key_of})
        for key in roots[1:]:
            parent[key] = roots[0]
    return [root(key) for key in keys]


def _count_labels(items: LabelTable, keys: Sequence[Key]) -> dict[Key, Labels]:
    """Returns label -> number of items for each group, sorted by name."""
    groups: dict[Key, Labels] = defaultdict(Counter)
    for key, label in zip(keys, items.labels, strict=True):
        groups[key][label] += 1
    return dict(sorted(groups.items()))


def _fill(
    bins: list[_Bin], groups: dict[Key, Labels], rng: np.random.Generator
) -> dict[Key, str | None]:
    total: Labels = Counter()
    for group in groups.values():
        total.update(group)
    share = {label: Fraction(count, total.total()) for label, count in total.items()}
    spread = Counter(label for group in groups.values() for label in group)
    keys = list(groups)
    order = [keys[i] for i in rng.permutation(len(keys))]
    lonely = {key for key in keys if any(spread[label] == 1 for label in groups[key])}
    chosen = {}
    for key in sorted(order, key=lambda k: (k not in lonely, -groups[k].total())):
        group = groups[key]
        roomy = [b for b in bins if b.taken + group.total() <= b.size]
        if key in lonely:
            best = bins[0]
        elif roomy:
            best = max(roomy, key=lambda b: b.need(group, share))
        else:
            best = max(bins, key=lambda b: (b.size - b.taken, -b.taken))
        best.take(group)
        chosen[key] = best.name
    return chosen


def _size_notes(items: LabelTable, sizes: Mapping[str, int], nouns: Nouns) -> list[str]:
    got = Counter(items.splits)
    notes = [
        f"{name} has {got[name]} {nouns.many} instead of {size}, since no group may be cut."
        for name, size in sizes.items()
        if got[name] != size
    ]
    if got[None]:
        notes.append(
            f"{got[None]} {nouns.many} are in no split: the sizes ask for {sum(sizes.values())}."
        )
    return notes


def _label_notes(items: LabelTable, splits: Sequence[str], nouns: Nouns) -> list[str]:
    """Names the labels that are missing from a split: each, or how many where many are."""
    per_label: dict[str, Labels] = defaultdict(Counter)
    for label, split in zip(items.labels, items.splits, strict=True):
        if label is not None:
            per_label[label][split] += 1
    missing = [
        (label, counts.total(), [name for name in splits if not counts[name]])
        for label, counts in sorted(per_label.items())
        if not all(counts[name] for name in splits)
    ]
    if len(missing) > _MOST_NOTES:
        names = preview([repr(label) for label, _, _ in missing])
        return [
            f"{len(missing):,} {nouns.labels} have no {nouns.one} in one split or another: "
            f"{names}. Add {nouns.many}, or more groups."
        ]
    return [
        f"The {nouns.label} {label!r} ({count} {nouns.many}) has none in "
        f"{' and '.join(absent)}. Add {nouns.many}, or more groups."
        for label, count, absent in missing
    ]
